import { isAlias, isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml';
import { below } from '../path.ts';

/** Aliases are allowed for repeating oneself, not for making gigabytes out of a few lines. */
const MAX_ALIASES = 1000;
const MAX_FAULTS = 20;

export interface YamlFault {
  offset: number;
  reason: string;
  /** Of a key that was given twice; absent for text that is not YAML. */
  path?: string;
}

const TOO_DEEP: YamlFault = { offset: 0, reason: 'lists and mappings are nested too deeply' };

/** Reads one YAML 1.2 document of plain data: no custom tags, no key twice in one mapping. Throws nothing. */
export function parseYaml(text: string): { value?: unknown; faults: YamlFault[] } {
  try {
    // The library's own check for unique keys takes quadratic time.
    const document = parseDocument(text, { uniqueKeys: false, stringKeys: true, prettyErrors: false, merge: false });
    const errors = [...document.errors, ...document.warnings];
    // The library catches its own stack overflows, and then stumbles over what it did not read.
    if (errors.some(({ message }) => message.includes('call stack'))) return { faults: [TOO_DEEP] };
    const faults = errors.slice(0, MAX_FAULTS).map(({ pos, message }) => ({
      offset: pos[0],
      reason: inOwnWords(message),
    }));
    if (faults.length > 0) return { faults };
    const wrong = findWrongNodes(document.contents);
    if (wrong.length > 0) return { faults: wrong };
    return { value: document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown, faults };
  } catch (error) {
    return { faults: [{ offset: 0, reason: reasonOfCrash(error) }] };
  }
}

/** Line and column, both from 1, of an offset. */
export function positionIn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

/** Keys that are given twice, and aliases of nothing. */
function findWrongNodes(root: unknown): YamlFault[] {
  const faults: YamlFault[] = [];
  const anchors = new Set<string>();
  const visit = (node: unknown, path: string): void => {
    if (faults.length >= MAX_FAULTS) return;
    if (isAlias(node)) {
      if (!anchors.has(node.source)) {
        faults.push({ offset: node.range?.[0] ?? 0, reason: `there is no anchor &${node.source} before this alias` });
      }
      return;
    }
    if (isNode(node) && node.anchor) anchors.add(node.anchor);
    if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) visit(item, below(path, index));
    } else if (isMap(node)) {
      const seen = new Set<string>();
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : String(key);
        const here = below(path, name);
        if (seen.has(name) && faults.length < MAX_FAULTS) {
          faults.push({ offset: (isScalar(key) && key.range?.[0]) || 0, reason: 'is given twice', path: here });
        }
        seen.add(name);
        visit(value, here);
      }
    }
  };
  visit(root, '');
  return faults;
}

function inOwnWords(message: string): string {
  if (/multiple documents/.test(message)) return 'there is more than one document in the text';
  if (/[Uu]nresolved tag/.test(message)) return `custom tags are not allowed (${message})`;
  return `is not YAML (${message.replace(/\s+/g, ' ').trim()})`;
}

function reasonOfCrash(error: unknown): string {
  if (error instanceof RangeError) return TOO_DEEP.reason;
  if (error instanceof ReferenceError) return `aliases are not right (${error.message})`;
  return `is not YAML (${error instanceof Error ? error.message : String(error)})`;
}
