import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { within } from './budget.ts';
import { Eavesdropper, inWords, type Told } from './eavesdropper.ts';
import { beside, idlePass, type Kinds, kindsOf, listed, passesIn } from './passes.ts';
import { Stage } from './stage.ts';
import { type Program, Trace } from './trace.ts';

/**
 * A manager takes these samples when packets have passed, at most every 2 s: how often depends on how long it is looked at. And
 * what a manager's own view of the files leaves out depends on who else is on this machine.
 */
const UNCOUNTED = /^(nft -j list counters |nft -j -n list set inet \S+ denied[46]$|bridge -j -d link show$|umount -l )/;

const ASKED = ['NetworkInstanceConfig', 'AppInterfaceConfig', 'UplinkStatus'] as const;
const ANSWERED = ['NetworkInstanceStatus', 'AppInterfaceStatus', 'ItemState', 'NetworkInstanceMetrics'] as const;

/** All but the pass of each minute falls into it: silent changes, metrics, pings. */
const REST_MS = 8_000;

const FIRST = { apps: 3, ports: [1000, 1001], instances: 1 };
const ACE_ADDED = { ...FIRST, ports: [...FIRST.ports, 1002] };
const APP_ADDED = { ...ACE_ADDED, apps: 4 };
const INSTANCE_ADDED = { ...APP_ADDED, instances: 2 };

describe('what is started', () => {
  let stage: Stage;
  let trace: Trace;
  let supervisorPass: Kinds;
  let managerPass: Kinds;

  before(async () => {
    stage = await Stage.set();
    trace = await Trace.attach(await stage.supervisorPid(), UNCOUNTED);
    await stage.apply(FIRST);
    await trace.untilQuiet();
  });
  after(async () => {
    await trace?.end();
    assert.deepEqual(await stage?.strike(), []);
  });

  it('for a pass of the supervisor that finds all as it should be', async () => {
    supervisorPass = await passAfter('ip', 'supervisor', 'device');
    checkPass('supervisor: programs of a pass with nothing to do', supervisorPass);
  });

  it('for a pass of a manager that finds all as it should be', async () => {
    managerPass = await passAfter('ip', 'g1');
    checkPass('manager: programs of a pass with nothing to do', managerPass);
  });

  it('for a pass of a manager after somebody loaded rules of his own', async () => {
    checkPass('manager: programs of a pass after others loaded rules', await passAfter('nft', 'g1'));
  });

  it('while nothing happens', async () => {
    await trace.untilQuiet();
    await sleep(REST_MS);
    checkPrograms('supervisor and managers: programs within 8 s at rest', await trace.untilQuiet());
  });

  it('for one ACE more; and what is told, nothing of it twice', async () => {
    const directory = stage.directoryOf('g1');
    const asked = new Eavesdropper(directory, 'supervisor', 'g1', ASKED);
    const answered = new Eavesdropper(directory, 'manager', 'g1', ANSWERED);
    let programs: Program[];
    try {
      await Promise.all([asked.ready, answered.ready]);
      await trace.untilQuiet();
      asked.forget();
      answered.forget();
      await stage.apply(ACE_ADDED);
      programs = await trace.untilQuiet();
    } finally {
      asked.close();
      answered.close();
    }
    checkChange('one ACE more', programs);
    const repeated = [...asked.told, ...answered.told].filter(({ isRepeated }) => isRepeated);
    assert.deepEqual(repeated.map(inWords), [], 'what had not changed was told again');
    checkFrames('supervisor to manager', asked.told);
    // Metrics come every 2 s while packets pass.
    checkFrames(
      'manager to supervisor',
      answered.told.filter(({ topic }) => !topic.endsWith('Metrics')),
    );
  });

  it('for one app more', async () => {
    await trace.untilQuiet();
    await stage.apply(APP_ADDED);
    checkChange('one app more', await trace.untilQuiet());
  });

  it('for one network instance more', async () => {
    await trace.untilQuiet();
    await stage.apply(INSTANCE_ADDED);
    const programs = await trace.untilQuiet();
    checkKinds(
      'supervisor: programs for one network instance more',
      beside(supervisorPass, of('supervisor', programs)),
    );
    checkKinds('manager: programs to come up', beside(managerPass, of('g2', programs)));
  });

  async function passAfter(event: 'ip' | 'nft', who: string, place = who): Promise<Kinds> {
    await stage.makeEvent(place, event);
    return idlePass(of(who, await trace.untilQuiet(found => found.some(({ by }) => by === who))));
  }

  function checkPass(name: string, pass: Kinds): void {
    within(
      name,
      [...pass.values()].reduce((sum, count) => sum + count, 0),
      listed(pass),
    );
  }

  /** Programs beside those of the passes, whose number depends on how events came together: it has a budget with room. */
  function checkChange(what: string, programs: readonly Program[]): void {
    const [supervisor, manager] = [of('supervisor', programs), of('g1', programs)];
    checkPrograms(`supervisor: programs for ${what}, beside passes`, beside(supervisorPass, supervisor));
    checkPrograms(`manager: programs for ${what}, beside passes`, beside(managerPass, manager));
    within(`manager: passes for ${what}`, passesIn(managerPass, manager), listed(kindsOf(manager)));
  }
});

function checkPrograms(name: string, programs: readonly Program[]): void {
  within(
    name,
    programs.length,
    programs.map(({ command }) => command),
  );
}

/** The links may be there for the first pass, or for a second one, which makes one more batch. */
function checkKinds(name: string, programs: readonly Program[]): void {
  const commands = new Set(programs.map(({ command }) => command));
  within(name, commands.size, [...commands]);
}

function checkFrames(way: string, told: readonly Told[]): void {
  const bytes = told.reduce((sum, frame) => sum + frame.bytes, 0);
  within(`${way}: frames for one ACE more`, told.length, told.map(inWords));
  within(`${way}: bytes for one ACE more`, bytes, told.map(inWords));
}

function of(who: string, programs: readonly Program[]): Program[] {
  return programs.filter(({ by }) => by === who);
}
