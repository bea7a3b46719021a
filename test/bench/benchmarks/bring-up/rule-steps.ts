/**
 * Takes the text of `nft list ruleset` apart into commands of nft that make the same, one for each table, set, counter, chain and
 * rule. Chains come before all rules, so that rules may lead to any of them.
 */
export function ruleSteps(ruleset: string): string[] {
  const objects: string[] = [];
  const rules: string[] = [];
  let table = '';
  for (const [head, body] of blocks(ruleset.split('\n'), '')) {
    table = head.replace(/^table /, '');
    objects.push(`add table ${table}`);
    for (const [kind, lines] of blocks(body, '\t')) {
      const [type = '', name = ''] = kind.split(' ');
      if (type !== 'chain') {
        objects.push(`add ${type} ${table} ${name} { ${joined(lines)} }`);
        continue;
      }
      const statements = statementsOf(lines);
      const hook = statements.find(line => line.startsWith('type '));
      objects.push(`add chain ${table} ${name}${hook ? ` { ${hook} }` : ''}`);
      rules.push(...statements.filter(line => line !== hook).map(line => `add rule ${table} ${name} ${line}`));
    }
  }
  return [...objects, ...rules];
}

/** Blocks of lines between `head {` and `}` of one depth. */
function blocks(lines: readonly string[], indent: string): [head: string, body: string[]][] {
  const found: [string, string[]][] = [];
  let open: [string, string[]] | null = null;
  for (const line of lines) {
    if (open && line === `${indent}}`) open = null;
    else if (open) open[1].push(line);
    else if (line.startsWith(indent) && line.endsWith(' {')) {
      open = [line.slice(indent.length, -2), []];
      found.push(open);
    }
  }
  return found;
}

/** A rule with a long map takes several lines. */
function statementsOf(lines: readonly string[]): string[] {
  const statements: string[] = [];
  let depth = 0;
  for (const line of lines.map(text => text.trim()).filter(Boolean)) {
    if (depth > 0) statements[statements.length - 1] += ` ${line}`;
    else statements.push(line);
    depth += line.split('{').length - line.split('}').length;
  }
  return statements;
}

/** What stands in a set: elements may take several lines, all else takes one. */
function joined(lines: readonly string[]): string {
  return statementsOf(lines)
    .map(line => `${line};`)
    .join(' ');
}
