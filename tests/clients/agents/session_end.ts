/**
 * The example agent in TypeScript at the end of a session: @livekit/agents' own AgentSession, tools and JobContext; only
 * the model's replies are scripted.
 *
 *     node --import tsx session_end.ts ROOM_NAME ROOM_SID report|recording|objects
 *
 * `recording`: the SDK still records audio, and makes no report. `objects`: the report holds what JSON cannot hold.
 */
import { JobContext, JobProcess, initializeLogger, llm, voice } from '@livekit/agents';
import { Job } from '@livekit/protocol';
import { Room } from '@livekit/rtc-node';
import { z } from 'zod';
import { onSessionEnd } from './agent.ts';

const book = llm.tool({
  name: 'book_appointment',
  description: 'Books a cleaning.',
  parameters: z.object({ day: z.string() }),
  execute: async ({ day }) => `booked for ${day}`,
});
const nurse = new voice.Agent({ instructions: 'You are a nurse.' });
const callNurse = llm.tool({
  name: 'call_a_nurse',
  description: 'Hands over to a nurse.',
  parameters: z.object({}),
  execute: async () => llm.handoff({ agent: nurse }),
});
const receptionist = new voice.Agent({
  instructions: 'You are Ava, the receptionist for Acme Dental. The door code is 4711.',
  tools: [book, callNurse],
});

const scripted = new voice.testing.FakeLLM([
  { input: "I'd like to book a cleaning for Tuesday.", toolCalls: [{ name: 'book_appointment', args: { day: 'tuesday' } }] },
  { input: '"booked for tuesday"', content: 'Done: Tuesday at ten.' },
  { input: 'It hurts a little.', toolCalls: [{ name: 'call_a_nurse', args: {} }] },
  { input: 'No, thank you. Bye!', content: 'Goodbye, and get well soon.' },
]);

async function converse(session: voice.AgentSession): Promise<void> {
  await session.start({ agent: receptionist });
  await session.run({ userInput: "I'd like to book a cleaning for Tuesday." }).wait();
  await session.run({ userInput: 'It hurts a little.' }).wait();
  session.history.addMessage({ role: 'assistant', content: 'Then I would rather', interrupted: true });
  await session.run({ userInput: 'No, thank you. Bye!' }).wait();
  await session.close();
}

function job(name: string, sid: string): JobContext {
  const info = {
    acceptArguments: { name: 'Ava', identity: 'agent-ava', metadata: '' },
    job: new Job({ id: 'AJ_scripted', room: { sid, name } }),
    url: '',
    token: '',
    workerId: 'worker',
    fakeJob: true,
  };
  const nothing = () => {};
  return new JobContext(new JobProcess(), info, new Room(), nothing, nothing, {} as never);
}

initializeLogger({ pretty: false, level: 'silent' });
const [name = '', sid = '', trouble] = process.argv.slice(2);
const session = new voice.AgentSession({ llm: scripted });
await converse(session);
const ctx = job(name, sid);
ctx._primaryAgentSession = session;
if (trouble === 'recording') {
  Object.assign(session, { _recorderIO: { recording: true } });
} else if (trouble === 'objects') {
  const circle: Record<string, unknown> = {};
  circle.again = circle;
  const unreadable = { get text() { throw new Error('no text either'); } };
  const usage = [{ inputTokens: NaN, outputTokens: Infinity, big: 1n, circle, unreadable, half: 'half \ud83d' }];
  const made = ctx.makeSessionReport.bind(ctx);
  ctx.makeSessionReport = (...args) => Object.assign(made(...args), { modelUsage: usage });
}
await onSessionEnd(ctx);
process.exit(0);
