// What the runner puts into the global scope of a test file.
declare const { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test }: typeof import('@jest/globals');
