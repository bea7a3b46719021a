import type { z } from 'zod';
import type { Reporter } from '../issue.ts';
import { below } from '../path.ts';
import { didYouMean } from '../suggest.ts';

/** A piece of the document, read by its schema. */
export interface Piece<T> {
  /** Absent when the piece is beyond use. */
  value?: T;
  /** Something in it was reported and left out. */
  isPartial: boolean;
}

/**
 * Reads one piece of the document and reports everything about its shape. What is wrong is left out and the rest read again, so
 * that what the rest says can be checked too.
 */
export function readPiece<T>(schema: z.ZodType<T>, piece: unknown, path: string, report: Reporter): Piece<T> {
  const first = schema.safeParse(piece);
  if (first.success) return { value: first.data, isPartial: false };
  for (const issue of first.error.issues) reportShape(issue, piece, path, report);
  if (piece === null || typeof piece !== 'object' || Array.isArray(piece)) return { isPartial: true };
  const wrong = new Set(first.error.issues.flatMap(keysInTheWay));
  const rest = Object.fromEntries(Object.entries(piece).filter(([key]) => !wrong.has(key)));
  const second = schema.safeParse(rest);
  return second.success ? { value: second.data, isPartial: true } : { isPartial: true };
}

type ShapeIssue = z.core.$ZodIssue;

function keysInTheWay(issue: ShapeIssue): string[] {
  if (issue.path.length > 0) return [String(issue.path[0])];
  return issue.code === 'unrecognized_keys' ? issue.keys : [];
}

function reportShape(issue: ShapeIssue, piece: unknown, base: string, report: Reporter): void {
  const keys = issue.path.map(key => (typeof key === 'number' ? key : String(key)));
  const path = keys.reduce<string>(below, base);
  const value = valueAt(piece, keys);
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.split(' ');
    for (const key of issue.keys) {
      const near = didYouMean(key, known);
      const remedy = near ? `did you mean ${near}?` : `remove it; known here are ${known.join(', ')}`;
      report.refuse({ path: below(path, key), value: valueAt(value, [key]) }, 'is not a known key', remedy);
    }
  } else if (value === undefined) {
    report.refuse({ path, value }, 'is missing', `write ${issue.message}`);
  } else {
    report.refuse({ path, value }, reasonOf(issue, value), `write ${issue.message}`);
  }
}

function reasonOf(issue: ShapeIssue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
    case 'invalid_union':
      return `is ${kindOf(value)}, which does not fit here`;
    case 'invalid_format':
      return 'is not written as it should be';
    default:
      return 'is not one of the values that fit here';
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'boolean') return 'true or false';
  return typeof value === 'string' ? 'text' : 'a number';
}

function valueAt(holder: unknown, keys: (string | number)[]): unknown {
  let here = holder;
  for (const key of keys) {
    if (here === null || typeof here !== 'object' || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string | number, unknown>)[key];
  }
  return here;
}
