import { setTimeout as sleep } from 'node:timers/promises';
import { chooseKinds, type Field } from './actions/index.ts';
import type { ChaosDevice } from './device/device.ts';
import { instances } from './device/layout.ts';
import { Renewals } from './flows/renewals.ts';
import { Traffic } from './flows/traffic.ts';
import { ClearTextWatch } from './judge/clear-text.ts';
import { Cuts } from './judge/cuts.ts';
import { FlowJudge } from './judge/flow-judge.ts';
import { inventory } from './judge/inventory.ts';
import { audit, leaksSince } from './judge/leaks.ts';
import { faultOf, Observer } from './judge/observer.ts';
import { judge, type Report } from './judge/report.ts';
import { isLate } from './judge/summary.ts';
import { type ActionRecord, LATE_MS, Ward } from './judge/ward.ts';
import type { ChaosOptions } from './options.ts';
import { program } from './program.ts';
import { Random } from './random.ts';

/** Milliseconds of traffic before the first action, and after the last: what is lost is known. */
const CALM_MS = 4_000;
/** At the end nothing is cut any more: a tunnel that was is negotiated anew, or found dead by its peer first. */
const CUT_HEALS_MS = 15_000;
const TOLD_EVERY_MS = 60_000;
const STEP_MS = 50;

/** Chaos on a device that is online, and what came of it. Throws what `signal` aborts with. */
export async function chaos(device: ChaosDevice, options: ChaosOptions, signal: AbortSignal): Promise<Report> {
  const kinds = chooseKinds(options.only, options.without);
  const cuts = new Cuts();
  const records: ActionRecord[] = [];
  const flows = new FlowJudge(cuts, records);
  const observer = new Observer(device.api);
  const clearText = await ClearTextWatch.start(device.world);
  const traffic = await Traffic.start(device, { onDownload: end => flows.download(end) });
  const renewals = new Renewals(device.world, (ni, had, offered) => flows.lease(ni, had, offered));
  const field: Field = { device, traffic, observer };
  await sleep(CALM_MS, undefined, { signal });
  const before = await inventory(device);
  const ward = new Ward(field, cuts, records);
  const settlePings = () => {
    for (const ni of instances) for (const lost of traffic.pings.get(ni)!.lost()) flows.ping(ni, lost);
  };

  const began = Date.now();
  const end = began + options.minutes * 60_000;
  let told = began;
  const pending: Promise<void>[] = [];
  for (const { kind, target, gap, patience, random } of program(kinds, new Random(options.seed))) {
    await sleep(gap, undefined, { signal });
    const until = Date.now() + patience;
    while (Date.now() < until && ward.isBusy(target)) await sleep(STEP_MS, undefined, { signal });
    if (kind.isAlone && ward.isActing(kind)) continue;
    if (Date.now() > end) break;
    if (kind.effect === 'cut' && Date.now() > end - CUT_HEALS_MS) continue;
    pending.push(ward.act(kind, target, random));
    settlePings();
    if (Date.now() < told + TOLD_EVERY_MS) continue;
    told = Date.now();
    tellProgress();
  }
  await Promise.all(pending);
  const last = Date.now();
  const healthyAfterLast = await untilHealthy();
  const complaints = ward.complaints();
  await sleep(CALM_MS, undefined, { signal });
  settlePings();
  const pings = [...traffic.pings.values()];
  const sums = {
    sent: pings.reduce((sum, { sent }) => sum + sent, 0),
    answered: pings.reduce((sum, { answered }) => sum + answered, 0),
    lost: Object.fromEntries(flows.lostPings),
  };
  const seen = await clearText.stop();
  const leaks = await leaksSince(device, before);
  ward.stop();
  await Promise.all([traffic.stop(), renewals.stop(), observer.stop()]);
  return judge({
    seed: options.seed,
    minutes: options.minutes,
    healthyWithin: options.healthyWithin,
    actions: records,
    downloads: flows.downloads,
    brokenFlows: flows.broken,
    pings: sums,
    pingGaps: flows.pingGaps,
    lookups: traffic.lookups,
    renewals: renewals.counts,
    changedLeases: flows.changedLeases,
    clearText: seen,
    audit: await audit(device.prefix),
    leaks,
    supervisorCrashes: device.keeper.crashes,
    healthyAfterLast,
    complaints,
  });

  /** Milliseconds since the last action; null: not within the time. */
  async function untilHealthy(): Promise<number | null> {
    while (Date.now() < last + LATE_MS) {
      await observer.next();
      const isOf = (observer.latest?.at ?? 0) > last;
      const isHealthy = instances.every(ni => faultOf(observer.instance(ni)) === null && traffic.hasPassed(ni, last));
      if (isOf && isHealthy && ward.ill === 0) return Date.now() - last;
    }
    return null;
  }

  function tellProgress(): void {
    const minutes = ((Date.now() - began) / 60_000).toFixed(0);
    const { complete, brokenInCuts } = flows.downloads;
    const late = records.filter(isLate).filter(({ at }) => Date.now() - at > LATE_MS).length;
    const downloads = `${complete} downloads, ${flows.broken.length} lost without a cut, ${brokenInCuts} in cuts`;
    console.log(`${minutes} min: ${records.length} actions, ${late} not healthy in 30 s; ${downloads}`);
    for (const complaint of ward.complaints()) console.log(`  not healthy: ${complaint}`);
  }
}
