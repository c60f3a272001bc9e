/**
 * A LiveKit agent that sends its session report to livekit-airtable when the call ends.
 *
 *     npm install @livekit/agents@^1.9 livekit-server-sdk@^2.19
 *     export LIVEKIT_URL=wss://your-project.livekit.cloud LIVEKIT_API_KEY=… LIVEKIT_API_SECRET=…
 *     export LIVEKIT_AIRTABLE_URL=https://calls.example.com
 *     npx tsx agent.ts dev
 *
 * To use it in an existing agent, copy everything from `GIVE_UP_AFTER_MS` to `onSessionEnd`. Versions before @livekit/agents 1.9 have no onSessionEnd:
 * call `ctx.addShutdownCallback(() => onSessionEnd(ctx))` in `entry` and raise `shutdownProcessTimeout`.
 */
import { type JobContext, ServerOptions, cli, defineAgent, voice } from '@livekit/agents';
import { AccessToken } from 'livekit-server-sdk';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

// The process is ended 300 s after onSessionEnd starts: give up before that.
const GIVE_UP_AFTER_MS = 240_000;
// The service accepts at most 16 MiB.
const LARGEST = 16 * 1024 * 1024;

type Report = Record<string, unknown>;

/** API_TOKEN if it is set, otherwise a token signed with the LiveKit key that every agent has. */
async function authorization(room: string): Promise<string> {
  if (process.env.API_TOKEN) return `Bearer ${process.env.API_TOKEN}`;
  const { LIVEKIT_API_KEY, LIVEKIT_API_SECRET } = process.env;
  const token = new AccessToken(LIVEKIT_API_KEY, LIVEKIT_API_SECRET, { ttl: '10m' });
  token.addGrant({ roomAdmin: true, room });
  return `Bearer ${await token.toJwt()}`;
}

/** The session report, or only the conversation if the SDK cannot create one, e.g. while it still records audio. */
export function sessionReport(ctx: JobContext): Report {
  try {
    return voice.sessionReportToJSON(ctx.makeSessionReport());
  } catch (error) {
    console.warn(`room ${ctx.job.room?.name}: no session report (${error}), sending the conversation`);
  }
  if (!ctx._primaryAgentSession) throw new Error('the job had no session');
  const items = ctx._primaryAgentSession.history.items.flatMap((item) => {
    if (item.type !== 'message') return [];
    const { id, role, interrupted, createdAt } = item;
    const text = item.content.map((part) => {
      if (typeof part !== 'object' || part === null) return part;
      return 'transcript' in part ? part.transcript : '';
    });
    return [{ id, type: 'message', role, content: text.filter(Boolean), interrupted, created_at: createdAt }];
  });
  return {
    job_id: ctx.job.id,
    room_id: ctx.job.room?.sid,
    room: ctx.job.room?.name,
    timestamp: Date.now(),
    chat_history: { items },
  };
}

/** The value as plain JSON. Cycles and unknown objects are replaced: none of them may lose the transcript. */
function plain(value: unknown, inside: unknown[] = []): unknown {
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value === 'function') return undefined;
  if (value === null || typeof value !== 'object') return value;
  if (inside.includes(value) || inside.length > 50) return null;
  const within = [...inside, value];
  if (Array.isArray(value)) return value.map((item) => plain(item, within));
  try {
    if ('toJSON' in value && typeof value.toJSON === 'function') return plain(value.toJSON(), within);
  } catch {
    // Its fields are taken instead.
  }
  const fields: Report = {};
  for (const name of Object.keys(value)) {
    try {
      fields[name] = plain((value as Report)[name], within);
    } catch {
      // A field that cannot be read is left out.
    }
  }
  return fields;
}

/** The conversation alone, as JSON: for a report that is too large for the service, or for a proxy before it. */
function conversation({ job_id, room_id, room, timestamp, chat_history }: Report): string {
  return JSON.stringify(plain({ job_id, room_id, room, timestamp, chat_history }));
}

/** The report as JSON; only its conversation if it is too large for the service. */
function toJson(report: Report): string {
  const body = JSON.stringify(plain(report));
  return Buffer.byteLength(body) <= LARGEST ? body : conversation(report);
}

/** Whether livekit-airtable itself accepted the report. A login page or a captcha may answer 200 as well. */
function isDelivered(answer: Response, text: string): boolean {
  try {
    return answer.status === 202 && 'call_id' in JSON.parse(text);
  } catch {
    return false;
  }
}

/** The address to POST to instead, if a proxy redirects to the same path of the same host, e.g. to https. */
function movedTo(answer: Response, url: string): string | undefined {
  const location = answer.headers.get('location');
  if (![301, 302, 307, 308].includes(answer.status) || !location || !URL.canParse(location, url)) return undefined;
  const [old, target] = [new URL(url), new URL(location, url)];
  const path = ({ pathname }: URL) => pathname.replace(/\/+$/, '');
  const downgrade = old.protocol === 'https:' && target.protocol !== 'https:';
  return old.hostname === target.hostname && path(old) === path(target) && !downgrade ? target.href : undefined;
}

/** Whether livekit-airtable itself refused the report. Any other 4xx comes from a proxy or firewall. */
function isFinal(answer: Response): boolean {
  const ours = answer.headers.get('content-type')?.startsWith('application/problem+json') ?? false;
  return ours && answer.status < 500 && answer.status !== 408 && answer.status !== 429;
}

/** POSTs a report, and retries while the service is down or busy. Sending a report twice is safe: the newest wins. */
export async function sendReport(report: Report): Promise<void> {
  let url = `${process.env.LIVEKIT_AIRTABLE_URL?.replace(/\/+$/, '')}/v1/transcripts`;
  const headers = {
    authorization: await authorization(String(report.room)),
    'content-type': 'application/json',
  };
  let body = toJson(report);
  const small = conversation(report);
  const deadline = Date.now() + GIVE_UP_AFTER_MS;
  for (let pause = 1_000; ; pause = Math.min(2 * pause, 30_000)) {
    let problem: string;
    let retryAfter = 0;
    // A redirect is not followed: that would be a GET, without the report.
    const request = { method: 'POST', headers, body, redirect: 'manual', signal: AbortSignal.timeout(20_000) } as const;
    const answer = await fetch(url, request).catch((error: Error) => error);
    if (answer instanceof Error) {
      problem = String(answer.cause ?? answer);
    } else {
      const text = await answer.text().catch(() => '');
      if (isDelivered(answer, text)) return;
      problem = `${answer.status} ${text.slice(0, 500)}`;
      url = movedTo(answer, url) ?? url;
      if (answer.status === 413 && body.length > small.length) body = small;
      else if (isFinal(answer)) throw new Error(`the transcript was rejected: ${problem}`);
      retryAfter = (Number(answer.headers.get('retry-after')) || 0) * 1_000;
    }
    const wait = Math.max(retryAfter, pause * (0.5 + Math.random() / 2));
    if (Date.now() + wait > deadline) throw new Error(`the transcript could not be sent: ${problem}`);
    console.warn(`transcript not sent yet (${problem}), retrying in ${Math.round(wait)} ms`);
    await sleep(wait);
  }
}

export async function onSessionEnd(ctx: JobContext): Promise<void> {
  try {
    await sendReport(sessionReport(ctx));
  } catch (error) {
    console.error(`room ${ctx.job.room?.name} has no transcript:`, error);
  }
}

export default defineAgent({
  entry: async (ctx) => {
    const session = new voice.AgentSession({
      stt: 'deepgram/nova-3',
      llm: 'openai/gpt-4.1-mini',
      tts: 'cartesia/sonic-3',
    });
    const ava = new voice.Agent({ instructions: 'You are Ava, the friendly receptionist of Acme Dental.' });
    await session.start({ agent: ava, room: ctx.room });
    await ctx.connect();
    await session.generateReply({ instructions: 'Greet the caller and ask how you can help.' }).waitForPlayout();
  },
  onSessionEnd,
});

const here = fileURLToPath(import.meta.url);
if (process.argv[1] === here) cli.runApp(new ServerOptions({ agent: here }));
