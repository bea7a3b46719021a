/** A line of a batch that `ip -force -batch` or `bridge -force -batch` could not do. */
export interface BatchFailure {
  /** From 0. */
  index: number;
  /** What was said of it. */
  reasons: string[];
}

/** The lines that failed, by what the program wrote to its standard error: the reasons, then `Command failed -:3`. */
export function batchFailures(stderr: string): BatchFailure[] {
  const failures: BatchFailure[] = [];
  let reasons: string[] = [];
  for (const line of stderr.split('\n').filter(text => text.trim() !== '')) {
    const failed = /^Command failed .*:(\d+)$/.exec(line);
    if (!failed) reasons.push(line.trim());
    else {
      failures.push({ index: Number(failed[1]) - 1, reasons });
      reasons = [];
    }
  }
  return failures;
}
