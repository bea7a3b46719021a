import assert from 'node:assert/strict';
import { beforeEach, describe, it, mock } from 'node:test';
import { SUPERVISION_DEFAULTS, type SupervisionLimits } from '../../../../shared/config/supervision.ts';
import { silentLog } from '../../../../shared/log/log.ts';
import { Manager, type ProcessEnd, type ProcessHost } from '../../../../supervisor/supervise/manager.ts';

/** Processes that do what a test says; signals end them unless it says otherwise. */
class FakeHost implements ProcessHost {
  signals: string[] = [];
  spawned: string[] = [];
  /** Signals that the process does not die of. */
  deaf: string[] = [];
  state: 'gone' | 'stopped' | 'running' = 'running';
  #onEnd: (end: ProcessEnd) => void = () => {};
  #pid = 100;

  spawn(code: string, _version: string, onEnd: (end: ProcessEnd) => void) {
    this.spawned.push(code);
    this.#onEnd = onEnd;
    this.state = 'running';
    this.#pid += 1;
    return { pid: this.#pid, startTime: this.#pid };
  }

  look() {
    return this.state;
  }

  signal(_: unknown, signal: NodeJS.Signals) {
    if (this.state === 'gone') return;
    this.signals.push(signal);
    if (signal === 'SIGCONT') this.state = 'running';
    else if (!this.deaf.includes(signal)) this.die({ signal });
  }

  signalGroup(_: unknown, signal: NodeJS.Signals) {
    if (this.state === 'gone') return;
    this.signals.push(`group ${signal}`);
    this.die({ signal });
  }

  die(end: Partial<ProcessEnd>) {
    this.state = 'gone';
    this.#onEnd({ code: null, signal: null, error: null, ...end });
  }

  logTail() {
    return ['the last words'];
  }
}

const seconds = (n: number) => mock.timers.tick(n * 1000);

describe('a manager under supervision', () => {
  let host: FakeHost;
  let manager: Manager;
  let missed = 0;
  let limits: SupervisionLimits;

  beforeEach(() => {
    mock.timers.reset();
    mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    host = new FakeHost();
    missed = 0;
    limits = { ...SUPERVISION_DEFAULTS };
    manager = new Manager({
      name: 'ni1',
      code: { file: 'old.cjs', version: '1' },
      host,
      limits: () => limits,
      missedPings: () => missed,
      log: silentLog,
      onChange: () => {},
    });
  });

  function inService() {
    manager.start();
    manager.connected();
    assert.equal(manager.state, 'running');
  }

  /** Dies at once after each of six starts. */
  function crashLoop() {
    manager.start();
    for (let deaths = 0; deaths < 6; deaths += 1) {
      host.die({ code: 1 });
      seconds(2);
    }
  }

  it('is started, and running when it said hello', () => {
    manager.start();
    assert.equal(manager.state, 'starting');
    manager.connected();
    assert.equal(manager.state, 'running');
    assert.deepEqual(host.spawned, ['old.cjs']);
  });

  it('is restarted at once when it had been in service for 10 s', () => {
    inService();
    seconds(10);
    host.die({ signal: 'SIGKILL' });
    assert.equal(manager.state, 'waiting');
    seconds(0.001);
    assert.equal(manager.state, 'starting');
    assert.equal(manager.restarts, 1);
  });

  it('is restarted after delays that double, by 20 % more or less', () => {
    manager.start();
    for (const delay of [0.1, 0.2, 0.4, 0.8, 1.6]) {
      host.die({ code: 1 });
      seconds(delay * 0.79);
      assert.equal(manager.state, 'waiting', `before ${delay}`);
      seconds(delay * 0.42);
      assert.equal(manager.state, 'starting', `after ${delay}`);
    }
  });

  it('is failed at the sixth death within a minute, tried once every five minutes, and others are none of its business', () => {
    limits.restartDelayMax = 1;
    crashLoop();
    assert.equal(manager.state, 'failed');
    assert.equal(host.spawned.length, 6);
    assert.equal(manager.retryAt, Date.now() - 2000 + 300_000);
    seconds(300);
    assert.equal(manager.state, 'starting');
    host.die({ code: 1 });
    assert.equal(manager.state, 'failed');
    seconds(300);
    manager.connected();
    seconds(10);
    host.die({ code: 1 });
    assert.equal(manager.state, 'waiting');
  });

  it('that is failed is started at once by an operator or a new config', () => {
    limits.restartDelayMax = 1;
    crashLoop();
    manager.configChanged();
    assert.equal(manager.state, 'starting');
    host.die({ code: 1 });
    assert.equal(manager.state, 'waiting', 'with all its tries');
  });

  it('that exits with 78 is not restarted until its config changes', () => {
    manager.start();
    host.die({ code: 78 });
    seconds(3600);
    assert.equal(manager.state, 'refused');
    manager.configChanged();
    assert.equal(manager.state, 'starting');
  });

  it('that is not in service after 15 s is aborted, then killed with its group', () => {
    host.deaf = ['SIGABRT'];
    manager.start();
    seconds(14.9);
    assert.deepEqual(host.signals, []);
    seconds(0.2);
    assert.deepEqual(host.signals, ['SIGABRT', 'SIGCONT']);
    seconds(5);
    assert.equal(host.signals.at(-1), 'group SIGKILL');
    assert.equal(manager.deaths.kept.at(-1)?.cause, 'readiness');
  });

  it('that misses three pings is suspected, gets a second look, and is replaced when it is still silent', () => {
    inService();
    seconds(20);
    missed = 3;
    seconds(2);
    assert.equal(manager.state, 'suspect');
    assert.deepEqual(host.signals, []);
    seconds(2);
    assert.deepEqual(host.signals, ['SIGABRT']);
    assert.equal(manager.deaths.counts.watchdog, 1);
    seconds(0.2);
    assert.equal(manager.state, 'starting');
  });

  it('that answers at the second look goes on', () => {
    inService();
    missed = 3;
    seconds(2);
    missed = 0;
    seconds(2);
    assert.equal(manager.state, 'running');
    assert.deepEqual(host.signals, []);
  });

  it('that was stopped by a signal is continued within a ping interval', () => {
    inService();
    host.state = 'stopped';
    seconds(2);
    assert.deepEqual(host.signals, ['SIGCONT']);
    assert.equal(manager.state, 'running');
  });

  it('that runs but can not be reached any more is replaced', () => {
    inService();
    manager.disconnected();
    seconds(6.1);
    assert.equal(manager.state, 'suspect');
    seconds(2);
    assert.equal(manager.deaths.counts.watchdog, 1);
  });

  it('that was adopted is found dead when its connection ends', () => {
    manager.adopt({ pid: 7, startTime: 7 });
    manager.connected();
    assert.equal(manager.pid, 7);
    host.state = 'gone';
    manager.disconnected();
    assert.equal(manager.deaths.counts.unknown, 1);
    assert.equal(manager.state, 'waiting');
  });

  it('that was adopted and never answers is replaced', () => {
    manager.adopt({ pid: 7, startTime: 7 });
    host.deaf = ['SIGABRT'];
    seconds(6.1);
    assert.equal(manager.state, 'suspect');
    seconds(2);
    assert.equal(manager.state, 'ending');
    seconds(5);
    assert.equal(host.signals.at(-1), 'group SIGKILL');
    seconds(0.1);
    assert.equal(manager.deaths.counts.watchdog, 1);
    assert.equal(manager.state, 'starting');
  });

  it('that is stopped stays so, and is killed with its group when it does not end in 5 s', async () => {
    inService();
    host.deaf = ['SIGTERM'];
    const stopped = manager.stop(false);
    seconds(4.9);
    assert.equal(manager.state, 'ending');
    seconds(0.1);
    await stopped;
    assert.deepEqual(host.signals, ['SIGTERM', 'SIGCONT', 'group SIGKILL']);
    seconds(3600);
    assert.equal(manager.state, 'stopped');
    assert.deepEqual(manager.deaths.counts, { operator: 1 });
  });

  it('that is stopped with its services is told so', async () => {
    inService();
    await manager.stop(true);
    assert.equal(host.signals[0], 'SIGUSR2');
  });

  it('that is stopped while it waits for its restart is not restarted', async () => {
    manager.start();
    host.die({ code: 1 });
    await manager.stop(false);
    seconds(3600);
    assert.equal(host.spawned.length, 1);
  });

  it('that is restarted by an operator gets all its tries anew, and other code in an upgrade', async () => {
    limits.restartDelayMax = 1;
    crashLoop();
    await manager.restart();
    assert.equal(manager.state, 'starting');
    await manager.restart('upgrade', { file: 'new.cjs', version: '2' });
    assert.equal(host.spawned.at(-1), 'new.cjs');
    assert.equal(manager.deaths.counts.upgrade, 1);
  });

  it('is forgiven its deaths after a minute in service', () => {
    limits.crashLoopWindow = 3600;
    inService();
    for (let death = 0; death < 5; death += 1) {
      seconds(10);
      host.die({ signal: 'SIGKILL' });
      seconds(0.1);
      manager.connected();
    }
    seconds(60);
    host.die({ signal: 'SIGKILL' });
    assert.equal(manager.state, 'waiting');
  });

  it('leaves its last twenty deaths, each with cause and the end of its log, and counts them all', () => {
    limits.crashLoopDeaths = 1000;
    limits.restartDelayMax = 0.1;
    manager.start();
    for (let deaths = 0; deaths < 25; deaths += 1) {
      host.die(deaths % 2 === 0 ? { code: 1 } : { signal: 'SIGSEGV' });
      seconds(1);
    }
    assert.equal(manager.deaths.kept.length, 20);
    assert.deepEqual(manager.deaths.counts, { exit: 13, signal: 12 });
    assert.deepEqual(manager.deaths.kept.at(-1)?.log, ['the last words']);
    assert.equal(manager.deaths.kept.at(-1)?.detail, 'exited with 1');
  });

  it('that can not be spawned is tried again like one that died', () => {
    host.spawn = () => {
      throw new Error('no room');
    };
    manager.start();
    assert.equal(manager.state, 'waiting');
    assert.match(manager.deaths.kept[0]!.detail, /no room/);
  });
});
