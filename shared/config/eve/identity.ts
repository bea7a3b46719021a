import { type Reporter, showValue, type Told } from '../issue.ts';
import { canonicalUuid, uuidFromName } from '../names.ts';
import type { Decoded } from './decode.ts';
import type { appInstance, networkInstance } from './messages.ts';
import { DisplayNames } from './names.ts';

type Thing = Decoded<typeof networkInstance> | Decoded<typeof appInstance>;

/** Who is who among the things of one kind: names that nibox can use, and UUIDs. */
export class Identities {
  readonly #kind: 'network instance' | 'app';
  readonly #document: Reporter;
  readonly #names: DisplayNames;
  readonly #uuids = new Map<string, string>();
  readonly #displayNames = new Map<string, string>();

  /** `document` takes what makes the whole document ambiguous: names and UUIDs that are given twice. */
  constructor(kind: 'network instance' | 'app', things: readonly Thing[], document: Reporter) {
    this.#kind = kind;
    this.#document = document;
    this.#names = new DisplayNames(things.map(thing => thing.displayname));
  }

  /** Name and UUID of one thing. `own` takes what is wrong with this one alone. */
  identify(thing: Thing, index: number, own: Reporter): { name: string; uuid: string } {
    const displayName = { path: thing.at('displayname'), value: thing.displayname };
    const told = {
      path: thing.uuidandversion?.at('uuid') ?? thing.at('uuidandversion'),
      value: thing.uuidandversion?.uuid,
    };
    const fallback = `${this.#kind === 'app' ? 'app' : 'ni'}${index + 1}`;
    if (displayName.value !== '') this.#checkUnique(this.#displayNames, displayName, 'display name', thing.path);
    const name = this.#names.nameFor(displayName, fallback, own);
    const uuid = canonicalUuid(told.value ?? '');
    if (uuid) this.#checkUnique(this.#uuids, { ...told, value: uuid }, 'UUID', thing.path);
    else {
      const shown = told.value ? told : { path: told.path, value: undefined };
      const reason = told.value ? 'is not a UUID' : `the UUID of ${this.#kind} ${showValue(name)} is missing`;
      own.refuse(shown, reason, 'write one, for example 6ba7b810-9dad-11d1-80b4-00c04fd430c8');
    }
    return { name, uuid: uuid ?? uuidFromName(this.#kind, name) };
  }

  #checkUnique(seen: Map<string, string>, told: Told<string>, what: string, path: string): void {
    const first = seen.get(told.value);
    if (first === undefined) seen.set(told.value, path);
    else {
      const reason = `another ${this.#kind} has the same ${what} (${first})`;
      this.#document.refuse(told, reason, `give each ${this.#kind} its own ${what}`);
    }
  }
}
