import type { NetworkInstanceKind } from '../config/model.ts';

/** What the supervisor tells a manager at its start, as one JSON argument. */
export interface ManagerOptions {
  /** The network instance's name. */
  name: string;
  type: NetworkInstanceKind;
  /** The instance prefix. */
  prefix: string;
  version: string;
  /** Directory of this NI alone, below the run directory: sockets and what is loaded. */
  runDirectory: string;
  logDirectory: string;
  /** How it is kept in: told in the status. */
  isolation: string;
}

/** What a manager's process calls itself. */
export const managerTitle = (name: string): string => `nibox: ${name}`;

/** File names in a network instance's directories, known to both sides. */
export const MANAGER_SOCKET = 'manager.sock';
export const SUPERVISOR_SOCKET = 'supervisor.sock';
export const MANAGER_LOG = 'manager.log';

/** In the environment of a manager, and so of its children: its `runDirectory`. Whoever finds a process knows whose it was. */
export const NI_MARK = 'NIBOX_NI';
/** Likewise: the bundle that it runs. */
export const CODE_MARK = 'NIBOX_CODE';
