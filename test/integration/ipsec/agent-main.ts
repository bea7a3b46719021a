/** As much of a manager as owns an Ipsec: does what lines on standard input ask for, and answers on standard output. */
import { createInterface } from 'node:readline';
import { Ipsec, type IpsecWanted } from '../../../netns-manager/ipsec/ipsec.ts';
import { openLog } from '../../../netns-manager/log.ts';
import type { VpnCredentials, VpnTunnel } from '../../../shared/proto/messages.ts';

export interface AgentRequest {
  id: number;
  method: 'adopt' | 'apply' | 'status' | 'device' | 'stop';
  tunnel?: VpnTunnel;
  wanted?: { tunnels: VpnTunnel[]; credentials: VpnCredentials[]; localAddress: string };
}

const directory = process.argv.at(-1) ?? '';
const logFile = `${directory}/charon.log`;
const log = openLog(`${directory}/agent.log`, 'agent');
const ipsec = new Ipsec({
  directory: `${directory}/run`,
  logFile,
  maxLogBytes: () => 1 << 20,
  log,
  onChange: () => {},
});

async function answer({ method, wanted, tunnel }: AgentRequest): Promise<unknown> {
  switch (method) {
    case 'adopt':
      await ipsec.adopt();
      return ipsec.pid;
    case 'apply':
      return ipsec.apply(readWanted(wanted!));
    case 'status':
      return ipsec.status();
    case 'device':
      await ipsec.prepare();
      return ipsec.deviceOf(tunnel!);
    case 'stop':
      return ipsec.stop();
  }
}

function readWanted(wanted: NonNullable<AgentRequest['wanted']>): IpsecWanted {
  return { ...wanted, credentials: new Map(wanted.credentials.map(credentials => [credentials.tunnel, credentials])) };
}

createInterface({ input: process.stdin }).on('line', line => {
  const request = JSON.parse(line) as AgentRequest;
  const say = (said: object) => process.stdout.write(`${JSON.stringify({ id: request.id, ...said })}\n`);
  answer(request).then(
    result => say({ result: result ?? null }),
    (error: Error) => say({ error: error.message }),
  );
});
