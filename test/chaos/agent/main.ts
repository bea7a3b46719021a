/** Runs in an app's namespace, or where the apps' servers are: makes traffic and tells what becomes of it, until its input ends. */
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { download } from './download.ts';
import { serveDrip } from './drip.ts';
import type { AgentEvent, AgentOrder, AgentTask, DownloadTask } from './messages.ts';

/** Milliseconds between two DNS queries, and for an answer. */
const LOOKUP_EVERY_MS = 250;
const LOOKUP_MS = 1_000;
/** Milliseconds before a download is tried again that failed at once. */
const AGAIN_MS = 500;
/** Milliseconds that garbage may take. */
const GARBAGE_MS = 2_000;

const task = JSON.parse(process.argv[2] ?? '{}') as AgentTask;
if (task.serve) serveDrip(task.serve, () => tell({ kind: 'serving' }));
for (const one of task.downloads ?? []) void downloads(one);
if (task.lookup) void lookups(task.lookup.server, task.lookup.name);
const orders = createInterface({ input: process.stdin });
orders.on('line', line => obey(JSON.parse(line) as AgentOrder));
// The end of the input is the end of whoever started this.
orders.on('close', () => process.exit(0));

function tell(event: AgentEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function downloads(one: DownloadTask): Promise<never> {
  await sleep(one.delay);
  for (;;) {
    const end = await download(one);
    tell(end);
    if (end.problem) await sleep(AGAIN_MS);
  }
}

async function lookups(server: string, name: string): Promise<never> {
  for (;;) {
    // A new one each time: it would go on with a socket whose address is gone.
    const resolver = new Resolver({ timeout: LOOKUP_MS, tries: 1 });
    resolver.setServers([server]);
    const problem = await resolver.resolve4(name).then(
      () => null,
      (error: Error) => error.message,
    );
    tell({ kind: 'lookup', at: Date.now(), problem });
    await sleep(LOOKUP_EVERY_MS);
  }
}

function obey({ protocol, host, port, garbage }: AgentOrder): void {
  const bytes = Buffer.from(garbage, 'base64');
  if (protocol === 'udp') {
    const socket = createSocket('udp4');
    socket.on('error', () => socket.close());
    socket.send(bytes, port, host, () => socket.close());
    return;
  }
  const socket = connect(port, host, () => socket.end(bytes));
  socket.on('error', () => {}); // refused or reset: it had better
  socket.setTimeout(GARBAGE_MS, () => socket.destroy());
  socket.resume();
}
