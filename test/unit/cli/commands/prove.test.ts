import { runCommand, stubDeployment, withoutOutput } from '../../../support/cli/command-line.ts';

test('prove without an archive exits with 1, and says which setting is missing', async () => {
  const openDeployment = async () => withoutOutput(stubDeployment({}), 'CertificateKeyArn');
  const { exitCode, lines, errors } = await runCommand(['prove', '--local', '--from', '2h'], { openDeployment });
  expect({ exitCode, lines, errors }).toEqual({
    ...{ exitCode: 1, lines: [] },
    errors: ['a stub signs no certificates: set seal.enabled and seal.sign, and deploy'],
  });
});
