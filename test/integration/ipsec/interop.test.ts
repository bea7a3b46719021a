import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { credentials, tunnel } from '../../unit/netns-manager/ipsec/fixtures.ts';
import type { Agent } from './agent.ts';
import { SwanctlGateway } from './swanctl-gateway.ts';
import { NI_ADDRESS, until, VpnWorld } from './world.ts';

let world: VpnWorld;
let client: Agent;
let gateway: SwanctlGateway;

before(async () => {
  world = await VpnWorld.create(1);
  client = world.agent('ni');
  gateway = new SwanctlGateway(world, 'gw1');
});
afterEach(async () => {
  await client.apply([], [], NI_ADDRESS);
  await gateway.stop();
});
after(() => world?.close());

/** As short as a gateway's config is: no ids, the same key for everybody. */
function conf(connection: string, child: string): string {
  return `
connections {
  everybody {
    ${connection}
    encap = yes
    mobike = no
    local {
      auth = psk
    }
    remote {
      auth = psk
    }
    children {
      net {
        local_ts = 192.168.0.0/24
        remote_ts = 0.0.0.0/0
        ${child}
      }
    }
  }
}
secrets {
  ike-everybody {
    secret = "s3cret"
  }
}
`;
}

async function isUp(): Promise<void> {
  const state = async () => `${JSON.stringify(await client.status(), null, 1)}\n${client.logs}\n${gateway.log}`;
  await until('up', async () => (await client.tunnel('office')).state === 'up', { state });
}

test('a gateway run by swanctl is called, with the proposals of old as well', async () => {
  await gateway.start(conf('version = 2\nproposals = aes256-sha1-modp2048', 'esp_proposals = aes128-sha1'));
  const legacy = { ikeProposals: ['aes256-sha1-modp2048'], espProposals: ['aes128-sha1'] };
  await client.apply([tunnel(legacy)], [credentials()], NI_ADDRESS);
  await isUp();
  await world.route('ni', '192.168.0.0/24');
  await until('traffic', () => world.reachesCloud());
  const { ikeProposal, children } = await client.tunnel('office');
  assert.equal(ikeProposal, 'AES_CBC-256/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_2048');
  assert.equal(children[0]?.proposal, 'AES_CBC-128/HMAC_SHA1_96');
});

test('a peer that re-keys every few seconds does not disturb a running transfer', async () => {
  await gateway.start(
    conf(
      'version = 2\nproposals = aes256gcm16-prfsha256-curve25519\nrekey_time = 7s\nover_time = 60s\nrand_time = 0s',
      'esp_proposals = aes128gcm16-curve25519\nrekey_time = 5s\nlife_time = 60s\nrand_time = 0s',
    ),
  );
  await client.apply([tunnel()], [credentials()], NI_ADDRESS);
  await isUp();
  await world.route('ni', '192.168.0.0/24');
  await until('traffic', () => world.reachesCloud());
  const before = await client.tunnel('office');
  const ping = world.exec('app', 'ping', '-i', '0.02', '-w', '20', '-q', '192.168.0.1');
  const states = new Set<string>();
  await until('both SAs were re-keyed more than once', async () => {
    const now = await client.tunnel('office');
    states.add(`${now.state} ${now.error}`);
    return now.children.some(({ uniqueId }) => uniqueId > before.children[0]!.uniqueId + 2);
  });
  // The last one may still be on its way when ping ends.
  const [, sent = 0, received = 0] = /(\d+) packets transmitted, (\d+) received/.exec(await ping)?.map(Number) ?? [];
  assert.ok(sent > 500 && sent - received <= 1, `${received} of ${sent} pings were answered`);
  const after = await client.tunnel('office');
  assert.notEqual(after.initiatorSpi, before.initiatorSpi);
  assert.deepEqual([...states], ['up ']);
  assert.equal(after.lastError, '', 'deleting the SAs that were replaced is no error');
});

test('a gateway that closes the tunnel is told so, and called again', async () => {
  await gateway.start(conf('version = 2\nproposals = aes256gcm16-prfsha256-curve25519', 'esp_proposals = aes128gcm16'));
  await client.apply([tunnel()], [credentials()], NI_ADDRESS);
  await isUp();
  const before = await client.tunnel('office');
  await gateway.swanctl('--terminate', '--ike', 'everybody');
  await until('it was closed', async () => (await client.tunnel('office')).initiatorSpi !== before.initiatorSpi);
  await isUp();
  assert.equal((await client.tunnel('office')).lastError, '198.51.100.1 closed the tunnel');

  // The child SA alone. It can't be made anew as it was asked for, with a DH group, but it can with a new IKE SA.
  const [child] = (await client.tunnel('office')).children;
  await gateway.swanctl('--terminate', '--child', 'net').catch(() => {}); // another one came too soon for it
  await until('another child', async () => {
    const { children, state } = await client.tunnel('office');
    return state === 'up' && children.every(({ spiIn }) => spiIn !== child?.spiIn);
  });
});

test('IKEv1 is spoken when it is asked for, with a child SA for each pair of subnets', async () => {
  await world.ip('gw1', 'addr replace 192.168.7.1/24 dev lo');
  const child = 'esp_proposals = aes128-sha256';
  const ikev1 = conf('version = 1\nproposals = aes256-sha256-modp2048', child).replace(
    'children {',
    `children {
      other {
        local_ts = 192.168.7.0/24
        remote_ts = 0.0.0.0/0
        ${child}
      }`,
  );
  await gateway.start(ikev1);
  const office = tunnel({
    ikeVersion: 1,
    remoteSubnets: ['192.168.0.0/24', '192.168.7.0/24'],
    ikeProposals: ['aes256-sha256-modp2048'],
    espProposals: ['aes128-sha256'],
  });
  await client.apply([office], [credentials()], NI_ADDRESS);
  await isUp();
  const { ikeVersion, children } = await client.tunnel('office');
  assert.equal(ikeVersion, 1);
  assert.deepEqual(children.map(({ remoteTs }) => remoteTs.join()).sort(), ['192.168.0.0/24', '192.168.7.0/24']);
  await world.route('ni', '192.168.0.0/24');
  await until('traffic', () => world.reachesCloud());
});

for (const { title, connection, child, psk, says } of [
  {
    title: 'another pre-shared key',
    connection: 'proposals = aes256-sha256-modp2048',
    child: 'esp_proposals = aes128-sha256',
    psk: 'other',
    says: /^(authentication failed|unreachable: no answer)/,
  },
  {
    title: 'another IKE proposal',
    connection: 'proposals = aes128-sha512-modp3072',
    child: 'esp_proposals = aes128-sha256',
    says: /^no proposal chosen: .* IKE/,
  },
  {
    title: 'another ESP proposal',
    connection: 'proposals = aes256-sha256-modp2048',
    child: 'esp_proposals = aes256-sha512',
    says: /^no proposal chosen: .* ESP/,
  },
  {
    title: 'other traffic selectors',
    connection: 'proposals = aes256-sha256-modp2048',
    child: 'esp_proposals = aes128-sha256\nremote_ts = 10.99.0.0/24',
    says: /^traffic selectors unacceptable/,
  },
]) {
  test(`IKEv1: ${title} is told in words`, async () => {
    await gateway.start(conf(`version = 1\n${connection}`, child).replace('s3cret', psk ?? 's3cret'));
    const office = tunnel({
      ikeVersion: 1,
      ikeProposals: ['aes256-sha256-modp2048'],
      espProposals: ['aes128-sha256'],
    });
    await client.apply([office], [credentials()], NI_ADDRESS);
    await until('it is told', async () => (await client.tunnel('office')).error !== '', {
      state: async () => client.logs + gateway.log,
    });
    assert.match((await client.tunnel('office')).error, says);
  });
}
