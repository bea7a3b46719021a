/**
 * 64-bit fields as numbers: protobufjs would otherwise pick up the `long` package when it is installed and decode them as objects.
 * Every 64-bit field here stays under 2^53. Imported before the generated code.
 */
import protobuf from 'protobufjs/minimal.js';

protobuf.util.Long = null as never;
protobuf.configure();
