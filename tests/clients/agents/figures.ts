/**
 * A session report with known figures, made by the installed version of @livekit/agents; only the conversation is scripted.
 *
 *     node --import tsx figures.ts > report.json
 *
 * The same conversation as in figures.py. Works with every version from 1.2.0 on.
 */
import { JobContext, JobProcess, initializeLogger, llm, voice } from '@livekit/agents';
import { Job } from '@livekit/protocol';
import { Room } from '@livekit/rtc-node';

const BEGIN = 1763884800;
type Turn = [llm.ChatRole, string, number, number, boolean, Record<string, number>];
// role, words, from, to, interrupted, delays
const TURNS: Turn[] = [
  ['assistant', 'Hello, this is Ava.', 2, 4, false, { llmNodeTtft: 0.41, ttsNodeTtfb: 0.18 }],
  ['user', 'I would like to book a cleaning.', 5, 6, false, { transcriptionDelay: 0.22, endOfTurnDelay: 0.61 }],
  ['assistant', 'Which day would suit you?', 11, 13, false, { llmNodeTtft: 0.3, e2eLatency: 0.5 }],
  ['assistant', 'We are open on', 13.5, 15.5, true, { llmNodeTtft: 0.32, e2eLatency: 0.9 }],
  ['user', 'Tuesday, please. Goodbye!', 15.5, 17.5, false, { transcriptionDelay: 0.2, endOfTurnDelay: 0.5 }],
];
const milliseconds = (second: number) => (BEGIN + second) * 1000;

function converse(session: voice.AgentSession): void {
  const { items } = session.history;
  // The SDK keeps events only of sessions that it records.
  const { _recordedEvents: kept } = session as unknown as { _recordedEvents: object[] };
  const emit = (event: string, value: object) => {
    session.emit(event as never, value as never);
    if (!kept.includes(value)) kept.push(value);
  };
  TURNS.forEach(([role, content, begins, ends, interrupted, delays], n) => {
    const metrics = { startedSpeakingAt: BEGIN + begins, stoppedSpeakingAt: BEGIN + ends, ...delays };
    const createdAt = milliseconds(role === 'assistant' ? begins : ends + 0.6);
    items.push(new llm.ChatMessage({ id: `item_figures_${n}`, role, content, interrupted, createdAt, metrics }));
    if (role !== 'user') return;
    const heard = { type: 'user_input_transcribed', transcript: content, isFinal: true, language: 'en', createdAt };
    emit(voice.AgentSessionEventTypes.UserInputTranscribed, heard);
  });
  [false, true].forEach((isError, n) => {
    const call = { callId: `call_${n}`, name: 'book', createdAt: milliseconds(18) };
    items.push(new llm.FunctionCall({ ...call, id: `item_call_${n}`, args: '{}' }));
    items.push(new llm.FunctionCallOutput({ ...call, id: `item_output_${n}`, output: 'x', isError }));
  });
  emit('agent_false_interruption', { type: 'agent_false_interruption', resumed: true, createdAt: milliseconds(16) });
  const closed = { type: 'close', reason: 'participant_disconnected', error: null, createdAt: milliseconds(60) };
  emit(voice.AgentSessionEventTypes.Close, closed);
}

function job(): JobContext {
  const info = {
    acceptArguments: { name: 'Ava', identity: 'agent-ava', metadata: '' },
    job: new Job({ id: 'AJ_figures', room: { sid: 'RM_figures', name: 'figures' } }),
    url: '',
    token: '',
    workerId: 'worker',
    fakeJob: true,
  };
  const nothing = () => {};
  return new JobContext(new JobProcess(), info, new Room(), nothing, nothing, {} as never);
}

initializeLogger({ pretty: false, level: 'silent' });
const session = new voice.AgentSession({});
await session.start({ agent: new voice.Agent({ instructions: 'You are Ava. The door code is 4711.' }) });
converse(session);
const report = job().makeSessionReport(session);
report.timestamp = milliseconds(65);
console.log(JSON.stringify(voice.sessionReportToJSON(report), null, 1));
process.exit(0);
