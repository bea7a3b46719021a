import { z } from 'zod';

/** Pieces of schemas, each with the text that says what is expected where it does not fit (native/shape.ts makes issues of it). */

export const orNothing = <T extends z.ZodType>(schema: T) => schema.nullish();
export const text = (expected: string) => z.string({ error: expected });
export const number = (expected: string) => z.number({ error: expected });
export const flag = () => z.boolean({ error: 'true or false' });
export const list = <T extends z.ZodType>(item: T, expected: string) => z.array(item, { error: expected });
export const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) =>
  z.enum(values, { error: `one of ${values.join(', ')}` });

export function mapping<T extends z.ZodRawShape>(shape: T, expected: string) {
  const known = Object.keys(shape).join(' ');
  return z.strictObject(shape, { error: issue => (issue.code === 'unrecognized_keys' ? known : expected) });
}
