import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { AceAction } from '../../../shared/proto/messages.ts';
import { arp, BROADCAST, dhcpAnswer, frame, udp4 } from '../../integration/switch/frames.ts';
import { addressOf, appVif, createSwitchWorld, LAN, macOf, type SwitchWorld } from '../../integration/switch/world.ts';
import { ace } from '../../unit/netns-manager/acl/builders.ts';
import type { Case } from './case.ts';

/** The payload's argument that makes it a switch's manager. */
export const SWITCH_MANAGER = 'switch-manager';

const VLAN = 100;
/** Behind the VLAN on the network, and app1 in it. */
const TAGGED = { lan: '192.168.33.1', app: '192.168.33.11' };
const allow = [ace(1)];
const patienceMs = 60_000;

/** A switch in a kernel that filters VLANs. */
export function switchCases(): Case[] {
  let world: SwitchWorld;
  const pings = (place: string, to: string) =>
    world.exec(place, 'ping', '-c1', '-W2', to).then(
      () => true,
      () => false,
    );
  const reaches = async (place: string, to: string) => {
    const end = Date.now() + patienceMs;
    while (!(await pings(place, to))) {
      if (Date.now() > end) assert.fail(`${place} does not reach ${to}`);
      await sleep(200);
    }
  };
  const counterOf = async (name: string) =>
    Number(/packets (\d+)/.exec(await world.exec('ni', 'nft', 'list', 'counter', 'bridge', 'nibox', name))?.[1]);
  return [
    {
      title: 'a switch carries what its ACLs allow, and nothing else',
      see: async () => {
        world = await createSwitchWorld(2, { managerProgram: [process.execPath, process.argv[1]!, SWITCH_MANAGER] });
        const { errors } = await world.load([[ace(1, { ip: LAN, protocol: 'icmp' })], []]);
        assert.deepEqual(errors, {});
        await reaches('app1', LAN);
        assert.equal(await pings('app2', LAN), false);
        assert.equal(await pings('app1', addressOf(2)), false);
        const listed = (await world.denied()).map(flow => `${flow.by.vif} ${flow.destination}`).sort();
        assert.deepEqual(listed, [`1 ${addressOf(2)}`, `2 ${LAN}`]);
        return `${listed.length} denied flows listed`;
      },
    },
    {
      title: 'a switch limits, and learns addresses from ARP and DHCP',
      see: async () => {
        const limit = { action: AceAction.LIMIT, limitRate: 1, limitUnit: 'hour', limitBurst: 3 };
        await world.load([[ace(1, limit)], []]);
        await world.exec('app1', 'ping', '-c8', '-i0.2', '-W1', LAN).catch(() => {});
        // What the app's IPv6 sends by itself counts too.
        const limited = await counterOf('limited');
        assert.ok(limited >= 5, `of 8 packets, 3 of which may pass, ${limited} were held back`);
        await world.send('app1', frame(BROADCAST, macOf(1), 0x0806, arp(2, macOf(1), '192.168.3.77', BROADCAST, LAN)));
        const lease = dhcpAnswer(macOf(1), '192.168.3.78', [53, 1, 5, 54, 4, 192, 168, 3, 1, 51, 4, 0, 0, 14, 16]);
        const answer = udp4(LAN, '255.255.255.255', [67, 68], lease);
        await world.sendOnLan(frame(BROADCAST, '02:00:00:00:00:77', 0x0800, answer));
        const { seen, leaseExpiry } = (await world.addresses()).v1!;
        const words = seen.map(({ address, source }) => `${address} ${source}`);
        assert.ok(words.includes('192.168.3.77 arp'), words.join());
        assert.equal(words[0], '192.168.3.78 dhcp');
        const minutes = (leaseExpiry - Date.now() / 1000) / 60;
        assert.ok(minutes > 55 && minutes < 61, `a lease of an hour, and ${minutes} minutes left`);
        return words.join(', ');
      },
    },
    {
      title: 'an access VLAN leaves the port with its tag, and what has that tag reaches its app without it',
      see: async () => {
        await world.ip('lan', [
          `link add link lan0 name lan0.${VLAN} type vlan id ${VLAN}`,
          `addr add ${TAGGED.lan}/24 dev lan0.${VLAN}`,
          `link set dev lan0.${VLAN} up`,
        ]);
        await world.ip('app1', [`addr add ${TAGGED.app}/24 dev eth0`]);
        const apps = [{ ...appVif(1, allow), accessVlan: VLAN }, appVif(2, allow)];
        const { errors, wrong } = await world.reconcile(apps);
        assert.deepEqual([errors, wrong], [{}, {}]);
        await reaches('app1', TAGGED.lan);
        await reaches('app2', LAN);
        const { counts } = await world.reconcile(apps);
        assert.deepEqual((await world.reconcile(apps)).counts, counts, 'nothing is written twice');
        return (await world.exec('ni', 'bridge', 'vlan', 'show')).replace(/\s+/g, ' ');
      },
    },
    {
      title: 'an app in a VLAN reaches neither the untagged network nor an app in it',
      see: async () => {
        assert.equal(await pings('app1', LAN), false);
        assert.equal(await pings('app1', addressOf(2)), false);
        assert.equal(await pings('app2', addressOf(1)), false);
        return '';
      },
    },
    {
      title: 'an app can not tag its frames itself',
      see: async () => {
        const before = await counterOf('strange');
        await world.ip('app2', [
          `link add link eth0 name eth0.${VLAN} type vlan id ${VLAN}`,
          `addr add 192.168.33.12/24 dev eth0.${VLAN}`,
          `link set dev eth0.${VLAN} up`,
        ]);
        assert.equal(await pings('app2', TAGGED.lan), false);
        assert.equal(await pings('app2', TAGGED.app), false);
        const dropped = (await counterOf('strange')) - before;
        assert.ok(dropped > 0);
        return `${dropped} frames dropped`;
      },
    },
    {
      title: 'without its VLAN an app is in the untagged network again',
      see: async () => {
        const { errors, wrong } = await world.load([allow, allow]);
        assert.deepEqual([errors, wrong], [{}, {}]);
        await reaches('app1', LAN);
        await reaches('app1', addressOf(2));
        assert.equal(await pings('app1', TAGGED.lan), false);
        await world[Symbol.asyncDispose]();
        return '';
      },
    },
  ];
}
