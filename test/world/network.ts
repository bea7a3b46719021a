import { run } from '../../shared/kernel/run.ts';
import { loopbackAddresses, type Member, members, type WireEnd, wires } from './layout.ts';

/**
 * The `ip -batch` that makes all namespaces and wires. Both ends of a wire are created where they belong, so no
 * interface ever shows up in the caller's namespace.
 */
export function topologyBatch(prefix: string): string {
  const namespace = (member: Member) => `${prefix}-${member}`;
  return [
    ...members.map(member => `netns add ${namespace(member)}`),
    ...wires.map(({ ends: [a, b] }) =>
      [
        `link add name ${a.device} netns ${namespace(a.member)} type veth`,
        `peer name ${b.device} netns ${namespace(b.member)}`,
      ].join(' '),
    ),
    '',
  ].join('\n');
}

/** The `ip -batch` for one member: its links up, its addresses and routes. */
export function memberBatch(member: Member): string {
  const ends = wires.flatMap(({ ends }) => ends).filter(end => end.member === member);
  return [
    'link set dev lo up',
    ...(loopbackAddresses[member] ?? []).map(address => `address add ${address} dev lo`),
    ...ends.flatMap(endBatch),
    '',
  ].join('\n');
}

function endBatch({ device, address, gateway, metric }: WireEnd): string[] {
  return [
    ...(address ? [`address add ${address} dev ${device}`] : []),
    `link set dev ${device} up`,
    ...(gateway ? [`route add default via ${gateway} dev ${device} ${metric ? `metric ${metric}` : ''}`.trim()] : []),
  ];
}

/**
 * Sysctls of one member. A new namespace inherits most from the host, and the world must be the same on every host: gw
 * forwards, nobody else does, and two default routes (app1) work. The device's rp_filter is left as a real host has it.
 */
export function memberSysctls(member: Member): Record<string, string> {
  return {
    'net/ipv4/ip_forward': member === 'gw' ? '1' : '0',
    ...(member !== 'device' && { 'net/ipv4/conf/all/rp_filter': '0', 'net/ipv4/conf/default/rp_filter': '0' }),
  };
}

/** Makes namespaces, wires, addresses, routes and sysctls. */
export async function buildNetwork(prefix: string): Promise<void> {
  await run('ip', ['-batch', '-'], { input: topologyBatch(prefix) });
  await Promise.all(members.map(member => configureMember(prefix, member)));
}

async function configureMember(prefix: string, member: Member): Promise<void> {
  const sysctls = Object.entries(memberSysctls(member)).map(([key, value]) => `echo ${value} > /proc/sys/${key}`);
  const script = [...sysctls, 'exec ip -batch -'].join(' && ');
  const args = [`--net=/run/netns/${prefix}-${member}`, 'sh', '-c', script];
  await run('nsenter', args, { input: memberBatch(member) });
}
