import { readFileSync, readlinkSync } from 'node:fs';
import type { Hello } from '../proto/messages.ts';

/** The protocol that this code speaks. A new major can't talk to an old one; a minor adds what the other side may ignore. */
export const PROTOCOL_MAJOR = 1;
export const PROTOCOL_MINOR = 0;

/** Who a process is, beyond doubt: a pid is reused, a pid with its start time is not. */
export interface Identity {
  agent: string;
  softwareVersion: string;
  pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  startTime: number;
  /** Inode of the network namespace, which /proc/PID/ns/net links to. */
  netnsInode: number;
}

/** This process, as it introduces itself on its connections. */
export function identifySelf(agent: string, softwareVersion: string): Identity {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // The command name (field 2) may hold blanks and brackets: count from behind its last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const netns = /\d+/.exec(readlinkSync('/proc/self/ns/net'));
  return {
    agent,
    softwareVersion,
    pid: process.pid,
    startTime: Number(fields[22 - 3]),
    netnsInode: Number(netns?.[0] ?? 0),
  };
}

export function helloOf(identity: Identity): Hello {
  return { ...identity, protocolMajor: PROTOCOL_MAJOR, protocolMinor: PROTOCOL_MINOR };
}

/** Numbers as numbers, however the protobuf library hands out 64 bits: they are compared. */
export function plainHello(hello: Hello): Hello {
  const { protocolMajor, protocolMinor, agent, softwareVersion, pid } = hello;
  const [startTime, netnsInode] = [Number(hello.startTime), Number(hello.netnsInode)];
  return { protocolMajor, protocolMinor, agent, softwareVersion, pid, startTime, netnsInode };
}
