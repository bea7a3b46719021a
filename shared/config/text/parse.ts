import { type Reporter, showValue } from '../issue.ts';
import { HIDDEN, looksSecret } from '../secrets.ts';
import { findJsonFaults } from './json.ts';
import { parseYaml, positionIn } from './yaml.ts';

/**
 * Reads JSON or YAML text, told apart by how it begins and not by the file's name. Reports every fault with line and column; the
 * value is absent when there was one.
 */
export function parseText(text: string, name: string, report: Reporter): { value?: unknown } {
  const source = text.startsWith('\ufeff') ? text.slice(1) : text;
  const isJson = /^\s*(\{\s*["}]|\[)/.test(source);
  const { value, faults } = isJson ? parseJson(source) : parseYaml(source);
  for (const fault of faults) {
    const { line, column } = positionIn(source, fault.offset);
    const place = `line ${line}, column ${column}`;
    if (fault.path !== undefined) {
      report.refuse({ path: fault.path, value: undefined }, `${fault.reason} (${place})`, 'keep one of the two');
    } else {
      const isSecret = hasSecretNear(source, fault.offset);
      const what = isJson ? `is not JSON: ${fault.reason}` : isSecret ? 'is not YAML' : fault.reason;
      const value = isSecret ? HIDDEN : lineAt(source, fault.offset);
      const told = { path: `${name}:${line}:${column}`, value };
      report.refuse(told, `${what} (${place})`, 'correct the text at this place');
    }
  }
  return faults.length > 0 ? {} : { value };
}

function parseJson(text: string): { value?: unknown; faults: ReturnType<typeof findJsonFaults> } {
  const faults = findJsonFaults(text);
  if (faults.length > 0) return { faults };
  try {
    return { value: JSON.parse(text) as unknown, faults };
  } catch (error) {
    return { faults: [{ offset: 0, reason: error instanceof Error ? error.message : showValue(error) }] };
  }
}

/** How far from a fault a key's name may stand that the fault belongs to. */
const NEAR = 300;

/** Whether what a message would quote of a text may be a part of a key. */
function hasSecretNear(text: string, offset: number): boolean {
  return looksSecret(text.slice(Math.max(0, offset - NEAR), offset + NEAR)) || looksSecret(lineAt(text, offset) ?? '');
}

/** What stands at an offset up to the end of the line; undefined at the end of the text. */
function lineAt(text: string, offset: number): string | undefined {
  const end = text.indexOf('\n', offset);
  // A line can be megabytes long.
  return text.slice(offset, Math.min(end < 0 ? text.length : end, offset + 200)) || undefined;
}
