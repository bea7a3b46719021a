/** One thing that is tried in the guest. */
export interface Case {
  title: string;
  /** Gives what was seen, in a few words; throws when it is not as it should be. */
  see(): Promise<string>;
}

/** What the guest tells of a case, one line of JSON each after `resultMark`. */
export interface CaseResult {
  title: string;
  ok: boolean;
  detail: string;
  /** Milliseconds it took. */
  ms: number;
}

export const resultMark = 'nibox-vm: ';

/** The last line: how many results there were. */
export interface CasesEnd {
  cases: number;
}

/** Runs cases one after the other and tells each on the console; one that fails does not keep the next from running. */
export async function runCases(cases: readonly Case[]): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const { title, see } of cases) {
    const since = Date.now();
    const seen = await see().then(
      detail => ({ ok: true, detail }),
      (cause: unknown) => ({ ok: false, detail: cause instanceof Error ? cause.message : String(cause) }),
    );
    const result = { title, ...seen, ms: Date.now() - since };
    tell(result);
    results.push(result);
  }
  return results;
}

export function tell(line: CaseResult | CasesEnd): void {
  process.stdout.write(`${resultMark}${JSON.stringify(line)}\n`);
}
