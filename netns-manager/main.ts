import { join } from 'node:path';
import { repeat } from '../shared/beat.ts';
import { continueStopped } from '../shared/kernel/continue-stopped.ts';
import { nft } from '../shared/kernel/nft.ts';
import { DEFAULT_LOG_LIMITS, type LogLimits } from '../shared/log/log-limits.ts';
import { MANAGER_LOG, MANAGER_SOCKET, type ManagerOptions, managerTitle } from '../shared/manager/options.ts';
import { identifySelf, listenUnix } from '../shared/pubsub/index.ts';
import { SysctlLook } from '../shared/reconcile/sysctl-look.ts';
import { StateReport } from '../shared/state/state-report.ts';
import { readCounters, readDenied } from './acl/observe.ts';
import { OwnNft } from './acl/own-nft.ts';
import { FlowLog } from './flowlog/flow-log.ts';
import { parseInterfaceCounters, readInterfaceTable } from './flowlog/interface-counters.ts';
import { type Intent, logLimitsOf } from './intent.ts';
import { IntentSource } from './intent-source.ts';
import { openLog } from './log.ts';
import type { PassResult } from './network-instance.ts';
import { readConntrackCount } from './observe/conntrack-count.ts';
import { NftEvents } from './observe/nft-events.ts';
import { hasStrayPort } from './observe/port-look.ts';
import { TrafficSampler } from './observe/traffic-sampler.ts';
import { watchKernel } from './observe/watch-kernel.ts';
import { optionsOrExit } from './options-or-exit.ts';
import { PassLoop } from './pass-loop.ts';
import { Publications } from './publications.ts';
import { RoutedKeeper } from './routed-keeper.ts';
import { instanceMetrics, instanceStatus, interfaceStatus } from './status.ts';
import { SwitchKeeper } from './switch-keeper.ts';

/** A full re-read, whatever the kernel's events said. */
const REREAD_MS = 60_000;
const METRICS_MS = 2_000;
/** Somebody may have stopped dnsmasq or another program by a signal. */
const LOOK_MS = 2_000;
const DENIED_MS = 2_000;

/** One network instance's manager: composes what keeps it, what tells of it, and its way to the supervisor. */
async function main(options: ManagerOptions): Promise<void> {
  process.title = managerTitle(options.name);
  const log = openLog(join(options.logDirectory, MANAGER_LOG), options.name);
  process.on('uncaughtException', error => {
    log.error({ err: error }, 'ended by an error');
    process.exit(1);
  });
  const { name, runDirectory, isolation } = options;
  const publications = new Publications(name);
  let intent: Intent | null = null;
  let logLimits: LogLimits = DEFAULT_LOG_LIMITS;
  let last: PassResult | null = null;
  /** Errors that the log tells already. */
  let said: ReadonlyMap<string, string> = new Map();

  const passes = new PassLoop(
    async () => {
      if (!intent) return true;
      const wanted = intent;
      try {
        last = await keeper.reconcile(wanted);
        sysctlLook.expect(keeper.sysctls);
        counters.invalidate();
        denied.invalidate();
        ports.invalidate();
        await flowLog.run(wanted.config.flowLog);
        tell();
      } catch (error) {
        log.error({ err: error }, 'a pass failed');
        last = null;
        return false;
      }
      for (const [item, error] of last.errors) {
        if (said.get(item) !== error) log.error({ item, error }, `${item}: ${error}`);
      }
      said = last.errors;
      return last.errors.size === 0;
    },
    () => keeper.fightDueMs(),
  );
  const wake = () => passes.wake();
  const ownNft = new OwnNft(runDirectory, log);
  const nftEvents = new NftEvents(ownNft.name);
  const report = new StateReport(log, () => tell());
  const directories = { run: runDirectory, log: options.logDirectory };
  const keeperOptions = {
    name,
    directories,
    maxLogBytes: () => logLimits.maxBytes,
    report,
    wake,
    tell,
    nft: ownNft.nft,
  };
  const sysctlLook = new SysctlLook(wake);
  const keeper =
    options.type === 'switch'
      ? new SwitchKeeper(keeperOptions, log)
      : new RoutedKeeper(keeperOptions, log, (key, request) => publications.dnsRequests.set(key, request));
  const apps = () => intent?.apps ?? [];
  const counters = new TrafficSampler({ read: () => readCounters(nft, keeper.aclTable) });
  const denied = new TrafficSampler({
    read: () => readDenied(apps(), nft, keeper.aclTable),
    // Every packet that is denied counts: most traffic needs no look at the flows.
    traffic: async () => String((await counters.sample()).value.denied.packets),
  });
  // A port that nobody uses does no harm.
  const ports = new TrafficSampler({
    read: () =>
      hasStrayPort(
        apps().map(({ vif }) => vif),
        keeper.portFlags,
      ),
  });
  const flowLog = new FlowLog({
    log,
    apps,
    readDenied: async () => {
      const { value, age } = await denied.sample();
      return value.filter(({ expires }) => expires * 1000 > age);
    },
    tracksConnections: keeper.tracksConnections,
    publish: (key, batch) => publications.flows.set(key, batch),
    deniedIntervalMs: DENIED_MS,
  });
  await keeper.adopt();

  /** Publishes what is known now. */
  function tell(): void {
    if (!intent || !last) return;
    const wanted = intent;
    const result = last;
    const items = keeper.items();
    const vpn = keeper.vpn();
    if (vpn) publications.vpn.set(name, vpn);
    const facts = {
      ...keeper.facts(),
      items: items.size,
      counts: keeper.counts,
      isolation,
      warnings: report.warnings(),
    };
    publications.status.set(name, instanceStatus(wanted, result, facts));
    publications.interfaces.replaceAll(
      new Map(wanted.apps.map(app => [app.vif, interfaceStatus(app, result, keeper.taken(app))])),
    );
    publications.items.replaceAll(new Map([...items].map(([key, item]) => [key.replaceAll('/', '|'), item])));
  }

  let measured: object = {};
  async function measure(): Promise<void> {
    if (!intent || !last || passes.isRunning) return;
    if (await keeper.look(intent, last)) tell();
    if ((await ports.sample()).value) wake();
    const { value } = await counters.sample();
    const found = { apps: apps(), counters: value, interfaces: readInterfaceTable(), tracked: readConntrackCount() };
    if (isSame(measured, found)) return;
    measured = found;
    const interfaces = parseInterfaceCounters(found.interfaces);
    publications.metrics.set(name, instanceMetrics(found.apps, value, interfaces, found.tracked));
  }

  const identity = identifySelf('manager', options.version);
  const source = new IntentSource({
    ...{ name, runDirectory, identity, log },
    onIntent: wanted => {
      intent = wanted;
      logLimits = logLimitsOf(wanted);
      log.limit(logLimits);
      passes.wake();
    },
  });
  const listener = await listenUnix({ path: join(runDirectory, MANAGER_SOCKET), hub: publications.hub, identity, log });
  source.start();
  const stopWatching = watchKernel({
    isNftChange: line => {
      const isChange = nftEvents.line(line);
      // At once: a pass that is under way must not take it for its own work.
      if (isChange) keeper.rulesChanged();
      return isChange;
    },
    onChange: wake,
    onMissed: () => keeper.suspectRules(),
  });
  repeat(REREAD_MS, () => {
    keeper.suspectRules();
    wake();
  });
  repeat(LOOK_MS, () => {
    for (const pid of continueStopped(keeper.services()))
      log.warn({ pid }, `process ${pid} had been stopped; continued`);
  });
  repeat(METRICS_MS, () => void measure().catch(error => log.warn({ err: error }, 'no metrics')));
  log.info({ version: options.version }, 'manager started');

  // SIGTERM: the manager alone goes; SIGUSR2: its services too, before the namespace is removed.
  const end = async (withServices: boolean) => {
    stopWatching();
    sysctlLook.stop();
    source.close();
    // A pass would start the services again.
    await passes.stop();
    await flowLog.run(false);
    if (withServices) await keeper.stopServices();
    await listener.close();
    log.info({ withServices }, 'manager ended');
    process.exit(0);
  };
  process.once('SIGTERM', () => void end(false));
  process.once('SIGUSR2', () => void end(true));
}

/** Whether two objects have the same in their fields. */
function isSame<T extends object>(a: object, b: T): boolean {
  return Object.entries(b).every(([key, value]) => (a as T)[key as keyof T] === value);
}

void main(optionsOrExit(process.argv[2]));
