/**
 * A LiveKit agent whose sessions livekit-airtable receives without any code for it: the agents SDK uploads them by itself.
 *
 *     npm install @livekit/agents@^1.9
 *     export LIVEKIT_URL=wss://your-project.livekit.cloud LIVEKIT_API_KEY=… LIVEKIT_API_SECRET=…
 *     export LIVEKIT_OBSERVABILITY_URL=https://calls.example.com
 *     npx tsx uploading_agent.ts dev
 *
 * @livekit/agents 1.8 is the first version that reads LIVEKIT_OBSERVABILITY_URL, which LiveKit does not document. agent.ts has the documented way.
 */
import { ServerOptions, cli, defineAgent, voice } from '@livekit/agents';
import { fileURLToPath } from 'node:url';

export default defineAgent({
  entry: async (ctx) => {
    const session = new voice.AgentSession({
      stt: 'deepgram/nova-3',
      llm: 'openai/gpt-4.1-mini',
      tts: 'cartesia/sonic-3',
    });
    const agent = new voice.Agent({ instructions: 'You are Ava, the friendly receptionist of Acme Dental.' });
    // What the SDK uploads. The audio becomes the call's recording if LiveKit's egress fails.
    const record = { transcript: true, audio: true, traces: false, logs: false };
    await session.start({ agent, room: ctx.room, record });
    await ctx.connect();
    session.generateReply({ instructions: 'Greet the caller and ask how you can help.' });
  },
});

// A job imports this file, too.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // Hours of audio take longer to upload than the 10 s that a job has by default.
  cli.runApp(new ServerOptions({ agent: fileURLToPath(import.meta.url), shutdownProcessTimeout: 60_000 }));
}
