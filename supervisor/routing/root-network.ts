import { createHash } from 'node:crypto';
import { batchFailures } from '../../shared/kernel/batch-failures.ts';
import { isMissing, readListing } from '../../shared/kernel/nft.ts';
import { CommandError, type RunOptions, run } from '../../shared/kernel/run.ts';
import type { Log } from '../../shared/log/log.ts';
import { SysctlLook } from '../../shared/reconcile/sysctl-look.ts';
import { StateReport } from '../../shared/state/state-report.ts';
import { type Actual, readActual } from './actual.ts';
import type { RootIntent } from './intent.ts';
import { planLinks, transitLinks } from './links.ts';
import { nftTable, tableName } from './nft-table.ts';
import { RootDrift } from './root-drift.ts';
import { planRoutes } from './routes.ts';
import { othersAreHere, planRuleRemoval, planRules } from './rules.ts';
import { type RootState, RootStateFile } from './state.ts';
import {
  allRpFilter,
  readOwnSysctls,
  readSysctls,
  type Sysctls,
  wantedSysctls,
  writeOwnSysctls,
  writeSysctls,
} from './sysctls.ts';
import { TableNumbers } from './tables.ts';
import { forgetUntranslated } from './untranslated.ts';
import { watchKernel } from './watch.ts';

export { detectForwardDrop } from './forward-drop.ts';
export type { RootInstance, RootIntent, RootPortmap, RootUplink } from './intent.ts';

export interface RootNetworkOptions {
  prefix: string;
  log: Log;
  /** Keeps previous sysctl values and table numbers over restarts. */
  stateFile: string;
  /** Default: one of its own, for the log alone. */
  stateReport?: StateReport;
  /** Goes in front of each command, such as `nsenter --net=...`. Default: this process's own namespace. */
  enter?: readonly string[];
}

export interface Applied {
  ipBatches: number;
  nftTransactions: number;
  errors: string[];
}

/** The rules are read that often, whatever the events said. */
const REREAD_MS = 60_000;

/** Links, rules, routes, sysctls and the nft table that one prefix has in the root namespace. */
export class RootNetwork {
  readonly #prefix: string;
  readonly #log: Log;
  readonly #enter: readonly string[];
  readonly #file: RootStateFile;
  readonly #drift: RootDrift;
  #onSysctlChange = () => {};
  /** The monitor of rules runs. */
  #isWatched = false;
  /** When the rules were read, if nothing has happened to them since. */
  #rulesReadAt: number | null = null;
  readonly #sysctlLook = new SysctlLook(() => this.#onSysctlChange());
  #state: RootState | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor({ prefix, log, stateFile, stateReport = new StateReport(log), enter = [] }: RootNetworkOptions) {
    this.#prefix = prefix;
    this.#log = log;
    this.#enter = enter;
    this.#file = new RootStateFile(stateFile, stateReport);
    this.#drift = new RootDrift(log);
  }

  /** Makes the namespace what the intent says; writes only what differs. Calls run one after the other. */
  apply(intent: RootIntent): Promise<Applied> {
    return this.#inTurn(async () => {
      const state = await this.#load();
      const tables = new TableNumbers(this.#prefix, state.uplinks);
      const text = nftTable(intent, uplink => tables.indexOf(uplink));
      const commands = planAll(intent, await readActual(this.#run), tables);
      // The previous values and the table numbers are on disk before the kernel changes. Filters come before the links.
      this.#file.save(state);
      const nft = await this.#applyNft(text, state);
      if (nft.written) nft.errors.push(...(await this.#forgetUntranslated(intent.transitPool)));
      const errors = [...nft.errors, ...(await this.#batch(commands))];
      const sysctls = await this.#applySysctls(intent, state);
      errors.push(...sysctls.errors);
      this.#drift.note(intent, [...(nft.written ? [tableName(this.#prefix)] : []), ...commands, ...sysctls.written]);
      this.#file.save(state);
      const applied = {
        ipBatches: commands.length > 0 ? 1 : 0,
        nftTransactions: nft.written ? 1 : 0,
        errors,
      };
      if (errors.length > 0) this.#log.warn({ errors }, 'the root network could not be set completely');
      else if (commands.length > 0 || nft.written) this.#log.debug({ commands }, 'the root network was changed');
      return applied;
    });
  }

  /** What `apply` would do, as commands of ip, nft and sysctl. */
  plan(intent: RootIntent): Promise<string[]> {
    return this.#inTurn(async () => {
      const state = await this.#load();
      const tables = new TableNumbers(this.#prefix, { ...state.uplinks });
      const text = nftTable(intent, uplink => tables.indexOf(uplink));
      const commands = planAll(intent, await readActual(this.#run), tables).map(command => `ip -4 ${command}`);
      const same = isCurrent(state, text, await this.#listNft());
      const { changes } = await this.#sysctlChanges(intent);
      const sysctls = Object.entries(changes).map(([key, value]) => `sysctl -w ${key}=${value}`);
      return [...(same ? [] : [`nft -f - <<'END'\n${text}END`]), ...commands, ...sysctls];
    });
  }

  /** Removes everything of this prefix and puts back what was changed. Returns problems; can be called again. */
  remove(): Promise<string[]> {
    return this.#inTurn(async () => {
      const state = await this.#load();
      const tables = new TableNumbers(this.#prefix, state.uplinks);
      const actual = await readActual(this.#run);
      const links = transitLinks(this.#prefix, actual);
      const filled = new Set(actual.routes.map(({ table }) => Number(table)).filter(table => tables.owns(table)));
      // Links first, the filter last: nothing is open in between.
      const errors = await this.#batch([
        ...links.map(name => `link delete dev ${name}`),
        ...planRuleRemoval(actual, tables),
        ...[...filled].map(table => `route flush table ${table}`),
      ]);
      const shared = othersAreHere(actual.rules, tables);
      const restore = Object.entries(state.sysctls).filter(
        ([key]) => !links.includes(linkOf(key)) && !(shared && key.endsWith('ip_forward')),
      );
      const present = await this.#readSysctls(restore.map(([key]) => key));
      const changed = restore.filter(([key, value]) => present[key] !== undefined && present[key] !== value);
      errors.push(...(await writeSysctls(this.#run, Object.fromEntries(changed))));
      const table = `table ${tableName(this.#prefix)}`;
      await this.#run('nft', ['-f', '-'], { input: `add ${table}\ndelete ${table}\n` }).catch(cause =>
        errors.push(String(cause)),
      );
      if (errors.length === 0) {
        this.#file.remove();
        this.#state = undefined;
      }
      return errors;
    });
  }

  /** What somebody undoes again and again, in words. */
  get fights(): string[] {
    return this.#drift.told();
  }

  /** Calls back soon after somebody changed links, addresses, routes, rules or nftables. Returns what ends it. */
  watch(onChange: () => void): () => void {
    const monitors = [
      { command: [...this.#enter, 'ip', 'monitor', 'link', 'address', 'route', 'rule', 'netconf'] },
      { command: [...this.#enter, 'nft', '-j', 'monitor'], onEvent: () => this.#suspectRules() },
    ];
    this.#isWatched = true;
    const end = watchKernel(monitors, onChange, this.#log, () => this.#drift.settleMs());
    // They are read directly: this process is in the namespace itself.
    if (this.#enter.length === 0) this.#onSysctlChange = onChange;
    return () => {
      this.#isWatched = false;
      this.#suspectRules();
      end();
      this.#sysctlLook.stop();
    };
  }

  async #applyNft(text: string, state: RootState): Promise<{ written: boolean; errors: string[] }> {
    const isRead = this.#rulesReadAt !== null && performance.now() - this.#rulesReadAt < REREAD_MS;
    if (isRead && state.nft?.intended === hash(text)) return { written: false, errors: [] };
    // What comes from here on is a reason to read them again.
    this.#rulesReadAt = this.#isWatched ? performance.now() : null;
    if (!isRead && isCurrent(state, text, await this.#listNft())) return { written: false, errors: [] };
    try {
      await this.#run('nft', ['-f', '-'], { input: text });
      // Who changes it before it is read must not have his own taken for ours.
      const { plain, rules } = readListing(await this.#listNft(['-a']));
      const isWhole = JSON.stringify([...rules].sort()) === JSON.stringify([...wantedRules(text)].sort());
      state.nft = { intended: hash(text), listed: isWhole ? hash(plain) : 'changed' };
      if (!isWhole) this.#suspectRules();
      return { written: true, errors: [] };
    } catch (cause) {
      delete state.nft;
      this.#suspectRules();
      return { written: true, errors: [String(cause)] };
    }
  }

  /** Somebody may have changed them: they are read before the next pass believes them. */
  #suspectRules(): void {
    this.#rulesReadAt = null;
  }

  async #forgetUntranslated(transitPool: string): Promise<string[]> {
    try {
      const pairs = await forgetUntranslated(this.#run, transitPool);
      if (pairs > 0) this.#log.warn({ pairs }, 'flows that began without translation were forgotten');
      return [];
    } catch (cause) {
      return [`flows that began without translation: ${String(cause)}`];
    }
  }

  /** As the kernel has it, without counters; empty when there is none. */
  async #listNft(flags: readonly string[] = []): Promise<string> {
    try {
      return await this.#run('nft', [...flags, '-s', 'list', 'table', ...tableName(this.#prefix).split(' ')]);
    } catch (cause) {
      if (isMissing(cause)) return '';
      throw cause;
    }
  }

  async #readSysctls(keys: readonly string[]): Promise<Sysctls> {
    return this.#enter.length === 0 ? readOwnSysctls(keys) : readSysctls(this.#run, keys);
  }

  async #sysctlChanges(intent: RootIntent): Promise<{ present: Sysctls; changes: Sysctls }> {
    const wanted = wantedSysctls(intent);
    const present = await this.#readSysctls([allRpFilter, ...wanted.keys()]);
    const changes: Sysctls = {};
    for (const [key, change] of wanted) {
      const value = present[key] === undefined ? null : change(present[key], present);
      if (value !== null) changes[key] = value;
    }
    return { present, changes };
  }

  async #applySysctls(intent: RootIntent, state: RootState): Promise<{ written: string[]; errors: string[] }> {
    const { present, changes } = await this.#sysctlChanges(intent);
    for (const key of Object.keys(changes)) state.sysctls[key] ??= present[key]!;
    this.#file.save(state);
    const isOwn = this.#enter.length === 0;
    const errors = isOwn ? writeOwnSysctls(changes) : await writeSysctls(this.#run, changes);
    // One that can't be written is tried again with the next pass, not each second.
    const settled = { ...present, ...(errors.length === 0 && changes) };
    if (isOwn) this.#sysctlLook.expect(new Map(Object.entries(settled)));
    return { written: Object.keys(changes).map(key => `sysctl ${key}`), errors };
  }

  /** One `ip -batch`; a failing line does not stop the others. */
  async #batch(commands: readonly string[]): Promise<string[]> {
    if (commands.length === 0) return [];
    try {
      await this.#run('ip', ['-4', '-force', '-batch', '-'], { input: `${commands.join('\n')}\n`, timeoutMs: 120_000 });
      return [];
    } catch (cause) {
      return batchErrors(cause, commands);
    }
  }

  async #load(): Promise<RootState> {
    this.#state ??= this.#file.load() ?? (await this.#readOff());
    return this.#state;
  }

  /** As far as the kernel tells: nothing on a first start. */
  async #readOff(): Promise<RootState> {
    const tables = new TableNumbers(this.#prefix, {});
    tables.learn((await readActual(this.#run)).routes);
    return { sysctls: {}, uplinks: tables.uplinks };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => {});
    return turn;
  }

  readonly #run = (file: string, args: readonly string[], options?: RunOptions): Promise<string> => {
    const [program = file, ...rest] = [...this.#enter, file, ...args];
    return run(program, rest, options);
  };
}

/** Stale routes go after the rules that led to them: an app must not fall through to `main` in between. */
function planAll(intent: RootIntent, actual: Actual, tables: TableNumbers): string[] {
  const routes = planRoutes(intent, actual, tables);
  return [...planLinks(intent, actual), ...routes.before, ...planRules(intent, actual, tables), ...routes.after];
}

/** How many rules each chain of a rendered table has. */
function wantedRules(text: string): Map<string, number> {
  const rules = new Map<string, number>();
  let chain = '';
  for (const line of text.split('\n')) {
    const begin = /^ {2}chain (\S+) \{$/.exec(line)?.[1];
    if (begin !== undefined) chain = begin;
    if (begin !== undefined) rules.set(begin, 0);
    else if (/^ {4}(?!type )/.test(line)) rules.set(chain, (rules.get(chain) ?? 0) + 1);
  }
  return rules;
}

/** Of `net/ipv4/conf/NAME/...`: NAME. */
const linkOf = (sysctl: string) => /^net\/ipv[46]\/conf\/([^/]+)\//.exec(sysctl)?.[1] ?? '';

const hash = (text: string) => createHash('sha256').update(text).digest('hex');

function isCurrent({ nft }: RootState, text: string, listed: string): boolean {
  return listed !== '' && nft?.intended === hash(text) && nft.listed === hash(listed);
}

/** Pairs each complaint of ip with the line it is about. */
function batchErrors(cause: unknown, commands: readonly string[]): string[] {
  if (!(cause instanceof CommandError)) return [String(cause)];
  const failures = batchFailures(cause.stderr);
  if (failures.length === 0) return [cause.message];
  return failures.flatMap(({ index, reasons }) => {
    const command = commands[index] ?? '';
    const reason = reasons.join(' ');
    // A link whose other end was in a namespace that went goes with it, sooner or later.
    const isGone = command.startsWith('link delete ') && reason.includes('Cannot find device');
    return isGone ? [] : [`\`ip ${command}\`: ${reason}`];
  });
}
