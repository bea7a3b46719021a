/** What kind of thing has no owner. */
export type FindingKind =
  | 'process'
  | 'link'
  | 'rule'
  | 'route'
  | 'nft'
  | 'namespace'
  | 'mount'
  | 'file'
  | 'code'
  | 'state';

/** Something that carries this nibox's prefix and belongs to nothing that runs or is configured. */
export interface Finding {
  kind: FindingKind;
  name: string;
  /** Why it has no owner. */
  why: string;
  /** How it is removed, for people. */
  how: string;
  /** Removes it; throws with what kept it. */
  remove(): Promise<void>;
}

/** A finding as it is told. */
export type FindingReport = Omit<Finding, 'remove'>;

export function reportOf({ kind, name, why, how }: Finding): FindingReport {
  return { kind, name, why, how };
}
