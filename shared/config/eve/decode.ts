import type { Reporter } from '../issue.ts';
import { below } from '../path.ts';

/**
 * Reads protobuf's JSON form by tables of fields: names as in the .proto file or in lower camel case, enums by name or number,
 * 64-bit integers as text or number, null as absent. A wrong value is reported and read as absent, so that the rest is read too.
 */
export interface DecodeContext {
  report: Reporter;
  unknownField(path: string, value: unknown, known: readonly string[]): void;
}

export type Decoder<T> = (value: unknown, path: string, context: DecodeContext) => T;

/** A value that is left for later, with its place. */
export interface Raw {
  path: string;
  value: unknown;
}

type Fields = Record<string, Decoder<unknown>>;
type Values<F extends Fields> = { [K in keyof F]: ReturnType<F[K]> };

/** A message that was read: its fields under their names in the .proto file, and where they stand in the document. */
export type Message<F extends Fields> = Values<F> & {
  path: string;
  /** The path of a field, as the document spells it. */
  at(field: keyof F & string): string;
};

/** What a decoder gives. */
export type Decoded<D> = D extends Decoder<infer T> ? NonNullable<T> : never;

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

function wrong(context: DecodeContext, path: string, value: unknown, expected: string): void {
  context.report.refuse({ path, value }, `is not ${expected}`, `write ${expected}, or leave it out`);
}

export const text: Decoder<string> = (value, path, context) => {
  if (typeof value === 'string') return value;
  if (!isAbsent(value)) wrong(context, path, value, 'text');
  return '';
};

export const bool: Decoder<boolean> = (value, path, context) => {
  if (typeof value === 'boolean') return value;
  if (!isAbsent(value)) wrong(context, path, value, 'true or false');
  return false;
};

/** uint32 or int32; negative values are for the checks behind to judge. */
export const integer: Decoder<number> = (value, path, context) => {
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (Number.isSafeInteger(number)) return number as number;
  if (!isAbsent(value)) wrong(context, path, value, 'a whole number');
  return 0;
};

/** An enum; gives its number. Numbers without a name are kept, as protobuf does. */
export function oneOf(numbers: Record<string, number>): Decoder<number> {
  return (value, path, context) => {
    if (typeof value === 'string' && Object.hasOwn(numbers, value)) return numbers[value]!;
    if (Number.isSafeInteger(value)) return value as number;
    if (!isAbsent(value)) wrong(context, path, value, `one of ${Object.keys(numbers).join(', ')} or its number`);
    return 0;
  };
}

export function list<T>(item: Decoder<T>): Decoder<T[]> {
  return (value, path, context) => {
    if (Array.isArray(value)) return value.map((element, index) => item(element, below(path, index), context));
    if (!isAbsent(value)) wrong(context, path, value, 'a list');
    return [];
  };
}

export function mapOf<T>(item: Decoder<T>): Decoder<Record<string, T>> {
  return (value, path, context) => {
    if (isObject(value)) {
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, item(one, below(path, key), context)]));
    }
    if (!isAbsent(value)) wrong(context, path, value, 'a mapping');
    return {};
  };
}

/** A field of EVE's that nibox has no use for: known, and not looked at. */
export const unused: Decoder<undefined> = () => undefined;

/** A part that is decoded later, with a reporter of its own. */
export const raw: Decoder<Raw> = (value, path) => ({ value, path });

/** A message; undefined when absent or not a mapping. */
export function message<F extends Fields>(fields: F): Decoder<Message<F> | undefined> {
  const names = Object.keys(fields);
  const spellings = new Map(
    names.flatMap(
      name =>
        [
          [name, name],
          [camelCase(name), name],
        ] as const,
    ),
  );
  return (value, path, context) => {
    if (!isObject(value)) {
      if (!isAbsent(value)) wrong(context, path, value, 'a mapping');
      return undefined;
    }
    const spelt = new Map<string, string>();
    for (const key of Object.keys(value)) {
      const name = spellings.get(key);
      if (name === undefined) context.unknownField(below(path, key), value[key], names);
      else if (!isAbsent(value[key])) spelt.set(name, key);
    }
    const at = (field: string) => below(path, spelt.get(field) ?? field);
    const values = names.map(name => {
      const key = spelt.get(name);
      return [name, fields[name]!(key === undefined ? undefined : value[key], at(name), context)] as const;
    });
    return { ...Object.fromEntries(values), path, at } as Message<F>;
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** protobuf's rule for JSON names. */
function camelCase(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
