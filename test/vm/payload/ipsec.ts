import assert from 'node:assert/strict';
import type { VpnTunnel, VpnTunnelStatus } from '../../../shared/proto/messages.ts';
import type { Agent } from '../../integration/ipsec/agent.ts';
import { CLOUD, gatewayAddress, NI_ADDRESS, until, VpnWorld } from '../../integration/ipsec/world.ts';
import { credentials, server, tunnel } from '../../unit/netns-manager/ipsec/fixtures.ts';
import type { Case } from './case.ts';

/** The payload's argument that makes it an agent. */
export const IPSEC_AGENT = 'ipsec-agent';
/** Everything takes some 25 times as long on an emulated processor. */
const patient = { timeoutMs: 120_000 };

/** Tunnels with the kernel's own ESP. */
export function ipsecCases(): Case[] {
  let world: VpnWorld;
  let client: Agent;
  let gateway: Agent;
  const isUp = async (): Promise<VpnTunnelStatus> => {
    const state = async () => `${JSON.stringify(await client.status())}\n${client.logs}`;
    await until('the tunnel is up', async () => (await client.tunnel('office')).state === 'up', { ...patient, state });
    return client.tunnel('office');
  };
  const reachesCloud = () => until('the cloud answers', () => world.reachesCloud(), patient);
  const apply = (office: VpnTunnel) => client.apply([office], [credentials()], NI_ADDRESS);
  return [
    {
      title: 'a policy-based tunnel uses the ESP of the kernel, behind a NAT',
      see: async () => {
        world = await VpnWorld.create(1, [process.argv[1]!, IPSEC_AGENT]);
        client = world.agent('ni');
        gateway = world.agent('gw1');
        await gateway.apply([server()], [credentials()], gatewayAddress(1));
        await apply(tunnel());
        const { children } = await isUp();
        assert.equal((await client.status()).backend, 'kernel-netlink');
        assert.equal(children[0]?.encapsulated, true);
        await reachesCloud();
        assert.match(await world.exec('ni', 'ip', 'xfrm', 'state'), /encap type espinudp/);
        assert.doesNotMatch(await world.exec('ni', 'ip', 'rule'), /2200: .*ipsec0/);
        return `${children[0]?.proposal} in UDP`;
      },
    },
    {
      title: 'what a killed charon left in the kernel does not hinder the next one',
      see: async () => {
        const { charonPid } = await client.status();
        process.kill(charonPid, 'SIGKILL');
        await until('another charon', async () => ![0, charonPid].includes((await client.status()).charonPid), patient);
        const { children } = await isUp();
        await reachesCloud();
        const states = await world.exec('ni', 'ip', 'xfrm', 'state');
        const spis = [...states.matchAll(/spi 0x(\w+)/g)].map(match => match[1]).sort();
        assert.deepEqual(spis, children.flatMap(({ spiIn, spiOut }) => [spiIn, spiOut]).sort());
        return `${spis.length} states`;
      },
    },
    {
      title: 'a route-based tunnel has an interface of its own, and may take everything but its own packets',
      see: async () => {
        const routed = tunnel({ routeBased: true });
        await gateway.apply([server({ localSubnets: ['0.0.0.0/0'] })], [credentials()], gatewayAddress(1));
        const { name, xfrmId } = await client.device(routed);
        await world.ip(
          'ni',
          `link add name ${name} type xfrm dev uplink if_id ${xfrmId}`,
          `link set dev ${name} up`,
          `route add default dev ${name} table 220`,
          'route add throw 10.10.10.0/24 table 220',
        );
        await apply(routed);
        await isUp();
        await reachesCloud();
        const [link] = JSON.parse(await world.exec('ni', 'ip', '-j', '-s', 'link', 'show', 'dev', name));
        const { packets } = link.stats64.rx;
        assert.ok(packets > 0);
        return `${packets} packets from ${CLOUD} through ${name}`;
      },
    },
    {
      title: 'stopping charon leaves no state and no policy in the kernel',
      see: async () => {
        await client.stop();
        for (const what of ['state', 'policy']) assert.equal(await world.exec('ni', 'ip', 'xfrm', what), '');
        world.close();
        return '';
      },
    },
  ];
}
