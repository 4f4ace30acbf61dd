import { type Check, ok, skipped, wrong } from './check.ts';

/** This machine, as far as the command line and the local stack need it. */
export interface Machine {
  /** Like `24.21.0`. */
  readonly nodeVersion: string;
  /** What `java -version` says; undefined where there is no Java. */
  readonly readJavaVersion: () => Promise<string | undefined>;
  /** Whether npm installed the engine that needs no Java. */
  readonly hasDynoxide: boolean;
}

const NODE_MAJOR = 24;
const JAVA_MAJOR = 17;

export function machineChecks({ nodeVersion, readJavaVersion, hasDynoxide }: Machine, isLocal: boolean): Check[] {
  return [
    {
      name: 'Node',
      look: async () =>
        Number.parseInt(nodeVersion, 10) >= NODE_MAJOR
          ? ok(nodeVersion)
          : wrong(`${nodeVersion}, and ${NODE_MAJOR} is needed`, 'npm ci, then: npm run ledger -- doctor'),
    },
    {
      name: 'Java',
      look: async () => {
        if (!isLocal) return skipped('needed by the local stack only');
        if (hasDynoxide) return skipped('the local stack runs on dynoxide');
        const text = await readJavaVersion();
        const fix = `install Java ${JAVA_MAJOR}: apt-get install openjdk-17-jre-headless, or brew install openjdk@17`;
        if (text === undefined) return wrong('there is none, and the local stack needs it', fix);
        const major = javaMajor(text);
        return major >= JAVA_MAJOR ? ok(String(major)) : wrong(`${major}, and ${JAVA_MAJOR} is needed`, fix);
      },
    },
  ];
}

/** `version "1.8.0_292"` is 8; `version "17.0.9"` is 17. */
function javaMajor(text: string): number {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return Number(first === '1' ? second : first);
}
