import { batchFailures } from '../../shared/kernel/batch-failures.ts';
import { CommandError, run } from '../../shared/kernel/run.ts';
import type { LinkCommand } from './plan.ts';

/** Runs a plan in one `ip -batch` and one `bridge -batch`. Failed lines don't stop the others; gives item -> error. */
export async function executeLinks(
  commands: readonly LinkCommand[],
): Promise<{ batches: number; errors: Map<string, string> }> {
  const errors = new Map<string, string>();
  let batches = 0;
  for (const program of ['ip', 'bridge'] as const) {
    const own = commands.filter(command => command.program === program);
    if (own.length === 0) continue;
    batches += 1;
    try {
      await run(program, ['-force', '-batch', '-'], { input: `${own.map(({ line }) => line).join('\n')}\n` });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      noteFailures(own, error, errors);
    }
  }
  return { batches, errors };
}

function noteFailures(own: readonly LinkCommand[], error: CommandError, errors: Map<string, string>): void {
  const failures = batchFailures(error.stderr);
  for (const { index, reasons } of failures) {
    const { program, line, item } = own[index]!;
    errors.set(item, `\`${program} ${line}\`: ${reasons.at(-1) ?? 'failed'}`);
  }
  if (failures.length === 0) for (const { item } of own) errors.set(item, error.message);
}
