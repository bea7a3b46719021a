import { join } from 'node:path';
import { applyRuleset } from '../../../../netns-manager/acl/apply.ts';
import { renderRuleset } from '../../../../netns-manager/acl/ruleset.ts';
import { type Intent, rulesetInput } from '../../../../netns-manager/intent.ts';
import { wantedSysctls } from '../../../../netns-manager/sysctls.ts';
import { silentLog } from '../../../../shared/log/log.ts';
import { type RootIntent, RootNetwork } from '../../../../supervisor/routing/root-network.ts';
import { localNi, vif } from '../../../unit/netns-manager/acl/builders.ts';
import { niboxAcl, plainAcl } from './acl.ts';
import type { Chain } from './chain.ts';
import * as layout from './layout.ts';

/** Puts into a chain what nibox's two programs put there: the manager's ruleset and sysctls, the supervisor's rules and routes. */
export async function setUpNibox(chain: Chain, aces: number, directory: string): Promise<void> {
  const intent = instanceIntent(aces);
  await chain.sysctl('ni', Object.fromEntries(wantedSysctls(intent)));
  await applyRuleset(renderRuleset(rulesetInput(intent)), null, (args, input) =>
    chain.exec('ni', ['nft', ...args], input),
  );
  for (const app of layout.APPS) {
    const port = `v${app}`;
    await chain.exec('ni', ['bridge', 'link', 'set', 'dev', port, 'learning', 'off', 'locked', 'on']);
    await chain.exec('ni', ['bridge', 'fdb', 'replace', layout.appMac(app), 'dev', port, 'master', 'static']);
  }
  // Only the way back of chains without NAT.
  await chain.ip('root', [`route del ${layout.SUBNET}`]);
  const root = new RootNetwork({
    prefix: layout.TRANSIT_PREFIX,
    log: silentLog,
    stateFile: join(directory, `${chain.netns('root')}.json`),
    enter: chain.enter('root'),
  });
  const { errors } = await root.apply(rootIntent(chain));
  if (errors.length > 0) throw new Error(`nibox's root network could not be set up: ${errors.join('; ')}`);
}

function instanceIntent(aces: number): Intent {
  const acl = niboxAcl(plainAcl(aces));
  return {
    config: localNi({
      ipv4: { subnet: layout.SUBNET, gateway: layout.GATEWAY, rangeStart: '10.9.0.2', rangeEnd: '10.9.0.200' },
      transit: {
        address: `${layout.TRANSIT_INNER}/30`,
        peer: layout.TRANSIT_ROOT,
        mtu: 1500,
        address6: '',
        peer6: '',
      },
    }),
    apps: layout.APPS.map(app => {
      const [mac, ipv4] = [layout.appMac(app), layout.appAddress(app)];
      return vif({ vif: `v${app}`, vifNumber: app, appName: `app${app}`, appNumber: app, mac, ipv4, acl });
    }),
    uplinks: [],
    credentials: new Map(),
  };
}

function rootIntent(chain: Chain): RootIntent {
  return {
    prefix: layout.TRANSIT_PREFIX,
    transitPool: layout.TRANSIT_POOL,
    forwardBetweenUplinks: false,
    uplinks: [{ interface: 'eth0', addresses: [`${layout.UPLINK_ADDRESS}/24`], gateway: layout.OUTSIDE }],
    instances: [
      {
        number: 1,
        device: layout.TRANSIT_DEVICE,
        peerAddress: `${layout.TRANSIT_ROOT}/30`,
        innerAddress: layout.TRANSIT_INNER,
        netnsPath: `/run/netns/${chain.netns('ni')}`,
        mtu: 1500,
        uplink: 'eth0',
        subnets: [layout.SUBNET],
        portmaps: [],
      },
    ],
  };
}
