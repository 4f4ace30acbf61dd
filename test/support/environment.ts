/** Restores this process's environment after the tests of a file, since its worker runs other files afterwards. */
export function restoreEnvironmentAfterAll(): void {
  const before = { ...process.env };
  afterAll(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  });
}
