/**
 * Settings of every AWS client: a service that hangs must cost one attempt, not the whole response.
 * Without `throwOnRequestTimeout` the SDK only warns; the socket timeout covers a reply that stops half-way.
 */
export const AWS_CLIENT_CONFIG = {
  maxAttempts: 3,
  requestHandler: {
    connectionTimeout: 500,
    requestTimeout: 1000,
    socketTimeout: 1000,
    throwOnRequestTimeout: true,
  },
};

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

/** Adds service and operation to the errors of a client: the SDK's own errors name neither. */
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
