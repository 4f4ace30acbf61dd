/** What was typed cannot be done; the message is one sentence for the person who typed it. */
export class WrongInput extends Error {
  override name = 'WrongInput';
}

/** What is asked for cannot be reached. */
export class OutOfReach extends Error {
  override name = 'OutOfReach';
}

/** The environment has not been deployed. */
export class NoSuchStack extends OutOfReach {
  override name = 'NoSuchStack';
}
