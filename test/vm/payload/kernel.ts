import assert from 'node:assert/strict';
import { run } from '../../../shared/kernel/run.ts';
import { hasKernelEsp } from '../../world/esp.ts';
import type { Case } from './case.ts';

/** Runs a shell script in a network namespace of its own. */
const apart = (script: string, input?: string) =>
  run('unshare', ['--net', '--', 'sh', '-ec', script], input === undefined ? {} : { input });

const flowTable = `table inet t {
  flowtable f { hook ingress priority filter; devices = { a }; }
  chain c { type filter hook forward priority filter; ip protocol tcp flow add @f; }
}
`;

/** What the kernel of most devices has, and the one that the ordinary tests run on may lack. */
export const kernelCases: readonly Case[] = [
  {
    title: 'the kernel does ESP',
    see: async () => {
      assert.ok(await hasKernelEsp(), '`ip xfrm state add` is refused');
      return (await run('uname', ['-r'])).trim();
    },
  },
  {
    title: 'the kernel has xfrm interfaces',
    see: async () => {
      const link = await apart('ip link add name ipsec1 type xfrm if_id 7; ip -d link show dev ipsec1');
      assert.match(link, /xfrm if_id 0x7/);
      return 'xfrm if_id 0x7';
    },
  },
  {
    title: 'the kernel has flow tables',
    see: async () => {
      const rules = await apart('ip link add name a type veth peer name b; nft -f -; nft list ruleset', flowTable);
      assert.match(rules, /flow add @f/);
      return 'flow add @f';
    },
  },
  {
    title: 'the kernel filters VLANs on a bridge',
    see: async () => {
      const script = [
        'ip link add name br type bridge vlan_filtering 1',
        'ip link add name a type veth peer name b',
        'ip link set dev a master br',
        'bridge vlan add dev a vid 7',
        'bridge vlan show dev a',
      ];
      const shown = await apart(script.join('\n'));
      assert.match(shown, /\b7\b/);
      return 'vlan 7 on a port';
    },
  },
];
