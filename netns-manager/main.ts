import { join } from 'node:path';
import { MANAGER_LOG, MANAGER_SOCKET, type ManagerOptions, SUPERVISOR_SOCKET } from '../shared/manager/options.ts';
import {
  type AppInterfaceConfig,
  type AppInterfaceStatus,
  codecs,
  type NetworkInstanceConfig,
  type UplinkStatus,
} from '../shared/proto/messages.ts';
import { connectUnix, Hub, identifySelf, listenUnix, Publication, Session, topicName } from '../shared/pubsub/index.ts';
import { hostSetName } from './acl/host-set.ts';
import { readCounters, readDenied } from './acl/observe.ts';
import { hostDomains } from './dhcp/host-domains.ts';
import type { Lease } from './dhcp/leases.ts';
import { watchLeases } from './dhcp/watch-leases.ts';
import { DnsWatch } from './dns/dns-watch.ts';
import { addHostSetElements, listHostSetElements } from './dns/host-set-elements.ts';
import { DnsRequestRing } from './dns/request-ring.ts';
import { ToldAddresses } from './dns/told-addresses.ts';
import { FlowLog } from './flowlog/flow-log.ts';
import { readInterfaceCounters } from './flowlog/interface-counters.ts';
import { BRIDGE, type Intent, rulesetInput } from './intent.ts';
import { openLog } from './log.ts';
import { MetadataServer } from './metadata/server.ts';
import { externalAddresses, findCaller } from './metadata/sources.ts';
import { NetworkInstance, type PassResult } from './network-instance.ts';
import { watchKernel } from './observe/watch-kernel.ts';

/** A full re-read, whatever the kernel's events said. */
const REREAD_MS = 60_000;
/** Failed items are tried again. */
const RETRY_MS = { first: 500, most: 30_000 };
const METRICS_MS = 2_000;
const DENIED_MS = 2_000;

async function main(options: ManagerOptions): Promise<void> {
  process.title = `nibox: ${options.name}`;
  const log = openLog(join(options.logDirectory, MANAGER_LOG), options.name);
  process.on('uncaughtException', error => {
    log.error({ err: error }, 'ended by an error');
    process.exit(1);
  });
  const scope = { agent: 'manager', scope: options.name };
  const status = new Publication({ ...scope, codec: codecs.NetworkInstanceStatus });
  const interfaces = new Publication({ ...scope, codec: codecs.AppInterfaceStatus });
  const metrics = new Publication({ ...scope, codec: codecs.NetworkInstanceMetrics });
  const flows = new Publication({ ...scope, codec: codecs.FlowBatch });
  const requests = new Publication({ ...scope, codec: codecs.DnsRequest });
  const items = new Publication({ ...scope, codec: codecs.ItemState });
  const hub = new Hub();
  hub.add(status);
  hub.add(interfaces);
  hub.add(metrics);
  hub.add(flows);
  hub.add(requests);
  hub.add(items);

  let intent: Intent | null = null;
  let leases: Lease[] = [];
  let last: PassResult | null = null;
  const apps = () => intent?.apps ?? [];

  const ni = new NetworkInstance({
    log,
    directories: { run: options.runDirectory, log: options.logDirectory },
    onDnsmasqExit: () => wake(),
  });
  await ni.dnsmasq.adopt();

  const flowLog = new FlowLog({
    log,
    apps,
    readDenied: () => readDenied(apps()),
    publish: (key, batch) => flows.set(key, batch),
    deniedIntervalMs: DENIED_MS,
  });
  let flowLogRuns = false;
  const ring = new DnsRequestRing((key, request) => requests.set(key, request));
  const told = new ToldAddresses();
  const dnsWatch = new DnsWatch({
    logFile: ni.dnsmasqLog,
    reopenLog: () => ni.dnsmasq.reopenLog(),
    table: 'inet nibox',
    isStatic: ({ set, address }) => staticElements.has(`${set} ${address}`),
    onRequest: request => {
      told.note(request, hostDomains(apps()), Date.now());
      if (intent?.config.flowLog) ring.add(request);
    },
    log,
  });
  let staticElements = new Set<string>();
  const metadata = new MetadataServer({
    log,
    lookup: address => findCaller(address, apps(), leases),
    external: () => externalAddresses(intent?.uplinks ?? []),
    device: () => intent?.config.device ?? null,
  });

  // ---- passes: one at a time; what comes meanwhile makes one more ----
  let running = false;
  let again = false;
  let retryMs = RETRY_MS.first;
  let retry: NodeJS.Timeout | null = null;
  let started = false;
  function wake(): void {
    if (running) again = true;
    else void pass();
  }
  async function pass(): Promise<void> {
    running = true;
    do {
      again = false;
      if (intent) await passOnce(intent);
    } while (again);
    running = false;
  }
  async function passOnce(wanted: Intent): Promise<void> {
    try {
      last = await ni.reconcile(wanted);
      if (!started) {
        startServices();
        if (!last.rulesRebuilt) await adoptHostSets(wanted);
      }
      if (last.rulesRebuilt) await refillHostSets(wanted);
      useHostSets(wanted);
      if (wanted.config.flowLog !== flowLogRuns) {
        flowLogRuns = wanted.config.flowLog;
        if (flowLogRuns) flowLog.start();
        else await flowLog.stop();
      }
      publish(wanted, last);
    } catch (error) {
      log.error({ err: error }, 'a pass failed');
      last = null;
    }
    if (retry) clearTimeout(retry);
    retry = null;
    if (last && last.errors.size === 0) retryMs = RETRY_MS.first;
    else {
      for (const [item, error] of last?.errors ?? []) log.error({ item, error }, `${item}: ${error}`);
      retry = setTimeout(wake, retryMs);
      retryMs = Math.min(retryMs * 2, RETRY_MS.most);
    }
  }
  function startServices(): void {
    started = true;
    metadata.start();
    void dnsWatch.start().catch(error => log.error({ err: error }, 'DNS answers are not watched'));
    watchLeases(
      join(options.runDirectory, 'dnsmasq'),
      found => {
        leases = found;
        if (intent && last) publish(intent, last);
      },
      error => log.warn({ err: error }, 'leases are not watched'),
    );
  }
  async function adoptHostSets(wanted: Intent): Promise<void> {
    const sets = hostDomains(wanted.apps).flatMap(domain => [hostSetName(domain, 4), hostSetName(domain, 6)]);
    told.adopt(await listHostSetElements('inet nibox', sets), Date.now());
  }
  async function refillHostSets(wanted: Intent): Promise<void> {
    const elements = told.elements(hostDomains(wanted.apps), Date.now());
    if (elements.length > 0) await addHostSetElements('inet nibox', elements);
  }
  function useHostSets({ config, apps: all }: Intent): void {
    const sets = hostDomains(all).map(domain => ({ domain, v4: hostSetName(domain, 4), v6: hostSetName(domain, 6) }));
    const input = rulesetInput({ config, apps: all, uplinks: [] });
    staticElements = new Set(
      [...input.hostAddresses].flatMap(([domain, addresses]) =>
        addresses.map(address => `${hostSetName(domain, address.includes(':') ? 6 : 4)} ${address}`),
      ),
    );
    dnsWatch.setHostSets(sets);
  }

  function publish(wanted: Intent, result: PassResult): void {
    status.set(options.name, {
      name: options.name,
      state: result.state,
      error: [...result.errors].map(([item, error]) => `${item}: ${error}`).join('\n'),
      configGeneration: wanted.config.generation,
      pid: process.pid,
      ...ni.counts,
      dnsmasqPid: ni.dnsmasq.pid ?? 0,
      bridge: BRIDGE,
      items: result.items.size,
      itemsInError: result.errors.size,
      isolation: options.isolation,
    });
    interfaces.replaceAll(new Map(wanted.apps.map(app => [app.vif, interfaceStatus(app, result)])));
    items.replaceAll(new Map([...result.items].map(([key, item]) => [key.replaceAll('/', '|'), item])));
  }
  function interfaceStatus(app: AppInterfaceConfig, result: PassResult): AppInterfaceStatus {
    const own = leases.filter(({ mac }) => mac === app.mac.toLowerCase());
    const present = result.presentVifs.has(app.vif);
    const error = result.errors.get(`vif:${app.vif}`) ?? '';
    return {
      vif: app.vif,
      appName: app.appName,
      present,
      mac: app.mac,
      addresses: own.map(({ address }) => address),
      leaseExpiry: own[0]?.expiry ?? 0,
      hostname: own[0]?.hostname ?? '',
      addressMismatch: own.some(({ address }) => address !== app.ipv4 && address !== app.ipv6),
      error,
      state: error ? 'error' : present ? 'online' : 'waiting for VIF',
    };
  }
  async function publishMetrics(): Promise<void> {
    const wanted = intent;
    if (!wanted || !last || running) return;
    const [counters, links] = await Promise.all([readCounters(), readInterfaceCounters()]);
    const vifs = new Map(wanted.apps.map(app => [app.vifNumber, app]));
    metrics.set(options.name, {
      aces: counters.aces.flatMap(({ vif, ace, packets, bytes }) => {
        const app = vifs.get(vif);
        return app ? [{ vif: app.vif, appName: app.appName, aceId: ace, flows: packets, bytes }] : [];
      }),
      interfaces: links,
      conntrackEntries: 0,
      deniedPackets: counters.denied.packets,
    });
  }

  // ---- the supervisor's side ----
  const identity = identifySelf('manager', options.version);
  const session = new Session({
    connect: () => connectUnix(join(options.runDirectory, SUPERVISOR_SOCKET)),
    identity,
    log,
  });
  const topic = (messageType: string) => topicName('supervisor', options.name, messageType);
  let assembling = false;
  const changed = () => {
    if (assembling) return;
    assembling = true;
    setImmediate(() => {
      assembling = false;
      const config = configs.entries.get(options.name);
      if (!config || !configs.synchronized || !appConfigs.synchronized || !uplinkStates.synchronized) return;
      intent = {
        config,
        apps: [...appConfigs.entries.values()].sort(byNumber),
        uplinks: [...uplinkStates.entries.values()],
      };
      wake();
    });
  };
  const handlers = { created: changed, modified: changed, deleted: changed, synchronized: changed };
  const configs = session.subscribe<NetworkInstanceConfig>(
    topic('NetworkInstanceConfig'),
    codecs.NetworkInstanceConfig,
    handlers,
  );
  const appConfigs = session.subscribe<AppInterfaceConfig>(
    topic('AppInterfaceConfig'),
    codecs.AppInterfaceConfig,
    handlers,
  );
  const uplinkStates = session.subscribe<UplinkStatus>(topic('UplinkStatus'), codecs.UplinkStatus, handlers);
  const listener = await listenUnix({ path: join(options.runDirectory, MANAGER_SOCKET), hub, identity, log });
  session.start();

  const stopWatching = watchKernel(wake);
  setInterval(wake, REREAD_MS);
  setInterval(() => void publishMetrics().catch(error => log.warn({ err: error }, 'no metrics')), METRICS_MS);
  log.info({ version: options.version }, 'manager started');

  // SIGTERM: the manager alone goes; SIGUSR2: its services too, before the namespace is removed.
  const end = async (withServices: boolean) => {
    stopWatching();
    session.close();
    if (flowLogRuns) await flowLog.stop();
    if (withServices) await ni.dnsmasq.stop();
    await listener.close();
    log.info({ withServices }, 'manager ended');
    process.exit(0);
  };
  process.once('SIGTERM', () => void end(false));
  process.once('SIGUSR2', () => void end(true));
}

function byNumber(a: AppInterfaceConfig, b: AppInterfaceConfig): number {
  return a.vifNumber - b.vifNumber;
}

void main(JSON.parse(process.argv[2] ?? '{}') as ManagerOptions);
