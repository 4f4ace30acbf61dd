/** The middleware stack that every AWS client has. */
interface Nameable {
  readonly middlewareStack: {
    add(
      middleware: (
        next: (args: never) => Promise<never>,
        context: { readonly clientName?: string; readonly commandName?: string },
      ) => (args: never) => Promise<never>,
      options: { readonly step: 'initialize' },
    ): void;
  };
}

/** Makes the errors of a client say which call failed: the SDK's own name neither service nor operation. */
export function namesCalls<Client extends object>(client: Client): Client {
  (client as Nameable).middlewareStack.add(
    (next, { clientName = '', commandName = '' }) =>
      async (args) => {
        try {
          return await next(args);
        } catch (error) {
          const call = `${clientName.replace(/Client$/, '')} ${commandName.replace(/Command$/, '')}`;
          if (error instanceof Error) Object.assign(error, { call });
          throw error;
        }
      },
    { step: 'initialize' },
  );
  return client;
}
