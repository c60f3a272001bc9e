/**
 * A real agent without any code of ours: its worker takes one job of a room, talks by a script, and ends. @livekit/agents itself
 * uploads the session to LIVEKIT_OBSERVABILITY_URL.
 *
 *     node --import tsx upload.ts AGENT_NAME ROOM_NAME transcript|audio
 *
 * LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET are of a livekit-server, which gives jobs to workers. Somebody must be in the
 * room. `audio`: the session also records its audio. Prints `ended` when the job has ended.
 */
import { AgentServer, ServerOptions, defineAgent, initializeLogger, llm, voice } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { AgentDispatchClient } from 'livekit-server-sdk';
import { ReadableStream } from 'node:stream/web';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const RATE = 24_000;

/** Half a second of a tone for whatever is to be said. */
class Voiced extends voice.Agent {
  override async ttsNode(): Promise<ReadableStream<AudioFrame> | null> {
    const samples = Int16Array.from({ length: RATE / 2 }, (_, n) => 8_000 * Math.sin((2 * Math.PI * 440 * n) / RATE));
    return ReadableStream.from([new AudioFrame(samples, RATE, 1, samples.length)]) as ReadableStream<AudioFrame>;
  }
}

const book = llm.tool({
  name: 'book_appointment',
  description: 'Books a cleaning.',
  parameters: z.object({ day: z.string() }),
  execute: async ({ day }) => `booked for ${day}`,
});

function receptionist(): voice.Agent {
  const nurse = new Voiced({ instructions: 'You are a nurse.' });
  const callNurse = llm.tool({
    name: 'call_a_nurse',
    description: 'Hands over to a nurse.',
    parameters: z.object({}),
    execute: async () => llm.handoff({ agent: nurse }),
  });
  const instructions = 'You are Ava, the receptionist for Acme Dental. The door code is 4711.';
  return new Voiced({ instructions, tools: [book, callNurse] });
}

export default defineAgent({
  entry: async (ctx) => {
    const audio = process.env.UPLOAD_AUDIO === 'audio';
    const scripted = new voice.testing.FakeLLM([
      { input: "I'd like to book a cleaning for Tuesday.", toolCalls: [{ name: 'book_appointment', args: { day: 'tuesday' } }] },
      { input: '"booked for tuesday"', content: 'Done: Tuesday at ten.' },
      { input: 'It hurts a little.', toolCalls: [{ name: 'call_a_nurse', args: {} }] },
      { input: 'No, thank you. Bye!', content: 'Goodbye, and get well soon.' },
    ]);
    const session = new voice.AgentSession({ llm: scripted });
    const record = { transcript: true, audio, traces: false, logs: false };
    await session.start({ agent: receptionist(), room: ctx.room, record });
    await ctx.connect();
    // What is said waits until somebody listens.
    await ctx.waitForParticipant();
    if (audio) await sleep(4_000);
    await session.run({ userInput: "I'd like to book a cleaning for Tuesday." }).wait();
    await session.run({ userInput: 'It hurts a little.' }).wait();
    session.history.addMessage({ role: 'assistant', content: 'Then I would rather', interrupted: true });
    await session.run({ userInput: 'No, thank you. Bye!' }).wait();
    await session.close();
    ctx.shutdown();
  },
});

async function main(agentName: string, room: string, kind: string): Promise<void> {
  process.env.UPLOAD_AUDIO = kind;
  initializeLogger({ pretty: false, level: 'warn' });
  const server = new AgentServer(
    new ServerOptions({
      agent: fileURLToPath(import.meta.url),
      wsURL: process.env.LIVEKIT_URL,
      agentName,
      host: '127.0.0.1',
      port: 0,
      production: false,
      loadFunc: async () => 0,
      // A busy machine takes long to start the process of a job.
      initializeProcessTimeout: 150_000,
      shutdownProcessTimeout: 60_000,
    }),
  );
  const registered = new Promise((resolve) => server.event.once('worker_registered', resolve));
  const running = server.run();
  await registered;
  const { LIVEKIT_URL = '', LIVEKIT_API_KEY, LIVEKIT_API_SECRET } = process.env;
  const dispatches = new AgentDispatchClient(LIVEKIT_URL.replace('ws', 'http'), LIVEKIT_API_KEY, LIVEKIT_API_SECRET);
  await dispatches.createDispatch(room, agentName);
  while (server.activeJobs.length === 0) await sleep(50);
  while (server.activeJobs.length > 0) await sleep(50);
  console.log('ended');
  await server.close();
  await running;
  process.exit(0);
}

const [agentName, room, kind] = process.argv.slice(2);
if (kind && process.argv[1] === fileURLToPath(import.meta.url)) await main(agentName, room, kind);
