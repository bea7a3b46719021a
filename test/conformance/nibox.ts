/** What the CLI prints with `--json`, as far as the checks read it. */
export interface NiboxStatus {
  supervisor: { pid: number; version: string; state: string };
  networkInstances: NetworkInstanceReport[];
  apps: AppReport[];
}

export interface NetworkInstanceReport {
  name: string;
  type: string;
  state: string;
  error?: string | null;
  transit?: { device: string; address: string; peer: string } | null;
  aces?: AceReport[];
  vpn?: { backend: string; charonPid: number; error: string; tunnels: TunnelReport[] } | null;
}

export interface TunnelReport {
  name: string;
  state: string;
  error: string;
  initiatorSpi: string;
  responderSpi: string;
  children: { spiIn: string; spiOut: string; bytesIn: number; bytesOut: number }[];
}

export interface AceReport {
  vif: string;
  app: string;
  aceId: number;
  flows: number;
  bytes: number;
}

export interface AppReport {
  name: string;
  state: string;
  interfaces: AppInterfaceReport[];
}

export interface AppInterfaceReport {
  name: string;
  device: string;
  networkInstance: string;
  attachment: 'veth' | 'tap';
  vif: string;
  vifNumber: number;
  mac: string;
  leased: string[];
  state: string;
}

export interface FlowReport {
  app: string;
  vif: string;
  /** 0: the default drop. */
  aceId: number;
  action: 'drop' | 'accept';
  inbound: boolean;
  source: string;
  destination: string;
  destinationPort: number;
  protocol: number;
  /** Unix milliseconds. */
  start: number;
  end: number;
}

/** Runs `nibox <args> --json` against the supervisor in the world and gives the parsed output. */
export type Nibox = (args: readonly string[]) => Promise<unknown>;

/** The network instances and apps as nibox sees them; used only where a check says "shown in status". */
export async function readStatus(nibox: Nibox): Promise<NiboxStatus> {
  return (await nibox(['status'])) as NiboxStatus;
}

/** The flow log of a network instance. */
export async function readFlows(nibox: Nibox, networkInstance: string): Promise<FlowReport[]> {
  return (await nibox(['flows', networkInstance])) as FlowReport[];
}

/** The report of a network instance; throws when nibox does not know it. */
export function instanceNamed(status: NiboxStatus, name: string): NetworkInstanceReport {
  const found = status.networkInstances.find(instance => instance.name === name);
  if (!found) throw new Error(`nibox status shows no network instance ${name}`);
  return found;
}

/** The report of an app's interface to a network instance; throws when there is none. */
export function interfaceOf(status: NiboxStatus, app: string, networkInstance: string): AppInterfaceReport {
  const interfaces = status.apps.find(({ name }) => name === app)?.interfaces ?? [];
  const found = interfaces.find(candidate => candidate.networkInstance === networkInstance);
  if (!found) throw new Error(`nibox status shows no interface of ${app} to ${networkInstance}`);
  return found;
}
