/** A number that a config may set, and what it may be. */
export interface Limit {
  initial: number;
  least: number;
  most: number;
  /** In words, for messages; absent: a bare count. */
  unit?: string;
  isWhole: boolean;
}

export type Limits<K extends string> = Readonly<Record<K, Limit>>;

/** "a whole number of MiB". */
export function describeLimit({ unit, isWhole }: Limit): string {
  return `a ${isWhole ? 'whole ' : ''}number${unit === undefined ? '' : ` of ${unit}`}`;
}

/** What holds where the config says nothing. */
export function initialValues<K extends string>(limits: Limits<K>): Record<K, number> {
  const entries = Object.entries<Limit>(limits).map(([key, { initial }]) => [key, initial]);
  return Object.fromEntries(entries) as Record<K, number>;
}
