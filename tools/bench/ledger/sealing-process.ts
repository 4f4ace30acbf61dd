import { measureSealing } from './sealing.ts';

// node --expose-gc sealing-process.ts EVENTS: seals one slice and prints the measurements as JSON.

console.log(JSON.stringify(await measureSealing(Number(process.argv[2]))));
