/** The numbers of an installation, as they are kept. */
export interface KeptNumbers {
  /** By uuid. */
  instances: Record<string, number>;
  /** By uuid. */
  apps: Record<string, number>;
  /** `<NI uuid>/<app uuid>/<interface>` -> VIF number in that NI. */
  vifs: Record<string, number>;
}

export function noNumbers(): KeptNumbers {
  return { instances: {}, apps: {}, vifs: {} };
}

/** Reads them. Throws an Error that names the field which makes no sense. */
export function parseNumbers(text: string): KeptNumbers {
  const parsed = JSON.parse(text) as Partial<Record<keyof KeptNumbers, unknown>> | null;
  return {
    instances: table(parsed, 'instances', () => ''),
    apps: table(parsed, 'apps', () => ''),
    vifs: table(parsed, 'vifs', key => key.slice(0, key.indexOf('/') + 1)),
  };
}

/** `group` of a key: within one no number stands twice. */
function table(
  parsed: Partial<Record<keyof KeptNumbers, unknown>> | null,
  name: keyof KeptNumbers,
  group: (key: string) => string,
): Record<string, number> {
  const found = parsed?.[name];
  if (typeof found !== 'object' || found === null || Array.isArray(found)) throw new Error(`${name} is no table`);
  const taken = new Set<string>();
  for (const [key, number] of Object.entries(found)) {
    if (!Number.isSafeInteger(number) || number < 1) {
      throw new Error(`${name}: ${key} has ${JSON.stringify(number)} instead of a number from 1 on`);
    }
    const place = `${group(key)}${number}`;
    if (taken.has(place)) throw new Error(`${name}: ${key} has ${number}, as another one has`);
    taken.add(place);
  }
  return { ...found } as Record<string, number>;
}
