/** Everything that the client says, in one place: the only file that a translation replaces. */
export const strings = {
  product: 'Parley',
  loading: 'Loading…',
  retry: 'Try again',
  close: 'Close',
  cancel: 'Cancel',
  save: 'Save',

  broken: 'Something went wrong on this page',
  brokenHint: 'Your messages are kept. Load the page again to go on.',
  reload: 'Load again',

  start: {
    failed: 'Parley could not start',
    failedHint: 'The server may be away for a moment.',
    noStorage: 'This browser does not let Parley keep your messages. Allow site data for this page, then try again.',
  },

  entry: {
    tagline: 'Talk to people and groups.',
    login: 'Log in',
    loggingIn: 'Logging in…',
    register: 'Create account',
    registering: 'Creating your account…',
    username: 'User name',
    usernameHint: '3 to 32 letters, digits or any of . _ -',
    email: 'E-mail',
    password: 'Password',
    passwordHint: 'At least 8 characters.',
    showPassword: 'Show password',
    show: 'Show',
    hide: 'Hide',
    toRegister: 'New here?',
    toLogin: 'Already have an account?',
    ended: 'You were signed out. Please log in again.',
    endedElsewhere: 'This device was signed out from another one. Please log in again.',
    endedByPassword: 'The password of this account was changed. Please log in with the new one.',
  },

  check: {
    required: 'Please fill this in.',
    username: 'Use 3 to 32 letters, digits or any of . _ -',
    email: 'This does not look like an e-mail address.',
    password: 'Use at least 8 characters.',
    title: 'Give the group a name.',
    titleTooLong: 'At most 100 characters.',
    people: 'Add at least one person.',
    name: 'Give the device a name.',
  },

  problem: {
    login: 'Wrong e-mail or password.',
    expired: 'Your session has ended. Please log in again.',
    nameTaken: 'This user name is taken.',
    emailTaken: 'There is already an account with this e-mail.',
    notFound: 'That was not found.',
    forbidden: 'You may not do that.',
    tooLarge: 'That is too large.',
    rateLimited: 'That was too often. Please wait a moment and try again.',
    unavailable: 'The server cannot be reached right now. Please try again.',
    internal: 'Something went wrong on the server. Please try again.',
    unknown: 'Something went wrong. Please try again.',
  },

  connection: {
    offline: 'You are offline.',
    kept: 'What you write is kept and will be sent.',
    keptCount: (count: number) =>
      count === 1 ? '1 message is kept and will be sent.' : `${count} messages are kept and will be sent.`,
    connecting: 'Reconnecting…',
    syncing: 'Catching up…',
  },

  account: {
    open: 'Account:',
    title: 'Account',
    contacts: 'Contacts',
    devices: 'Devices',
    password: 'Change password',
    logout: 'Sign out',
    logoutTitle: 'Sign out?',
    logoutText: 'This device forgets everything it holds. Your messages stay on the server.',
    logoutPending: (count: number) =>
      count === 1
        ? '1 message has not been sent yet and would be deleted.'
        : `${count} messages have not been sent yet and would be deleted.`,
    loggingOut: 'Signing out…',
  },

  password: {
    title: 'Change password',
    intro: 'All your other devices will be signed out.',
    old: 'Present password',
    new: 'New password',
    change: 'Change password',
    wrong: 'This is not your present password.',
    done: 'Your password is changed. All your other devices are signed out.',
  },

  contacts: {
    title: 'Contacts',
    ask: 'Ask',
    asked: (name: string, status: string) =>
      status === 'friends' ? `${name} is now one of your friends.` : `${name} has been asked.`,
    friends: 'Friends',
    incoming: 'Requests to you',
    outgoing: 'Your requests',
    blocked: 'Blocked',
    empty: 'No contacts yet. Ask someone by their user name.',
    chat: (name: string) => `Chat with ${name}`,
    acts: {
      accept: 'Accept',
      decline: 'Decline',
      cancel: 'Cancel request',
      remove: 'Remove',
      block: 'Block',
      unblock: 'Unblock',
    },
    actNamed: (act: 'accept' | 'decline' | 'cancel' | 'remove' | 'block' | 'unblock', name: string) =>
      ({
        accept: `Accept the request of ${name}`,
        decline: `Decline the request of ${name}`,
        cancel: `Cancel your request to ${name}`,
        remove: `Remove ${name} from your friends`,
        block: `Block ${name}`,
        unblock: `Unblock ${name}`,
      })[act],
    blockTitle: (name: string) => `Block ${name}?`,
    blockText:
      'Neither of you can write to the other or see whether the other is here. You stay in the groups you share. They are not told.',
  },

  devices: {
    title: 'Devices',
    intro: 'Where you are signed in. End a session that you do not know.',
    current: 'This device',
    unnamed: 'Unnamed device',
    used: (when: string) => `Last used ${when}`,
    name: 'Device name',
    rename: (name: string) => `Rename ${name}`,
    end: 'End session',
    endNamed: (name: string) => `End session on ${name}`,
    endOthers: 'End all other sessions',
    onlyThis: 'You are signed in on this device only.',
  },

  list: {
    region: 'Conversations',
    newChat: 'New chat',
    newGroup: 'New group',
    empty: 'No conversations yet',
    emptyHint: 'Find someone by their user name to start one.',
    noMessages: 'No messages yet',
    archived: 'Archived',
    archivedCount: (count: number) => (count === 1 ? '1 conversation' : `${count} conversations`),
    archivedBack: 'Back to all conversations',
    archivedHint: 'A conversation comes back when somebody writes in it, unless it is muted.',
    pinned: 'Pinned',
    muted: 'Muted',
    draft: 'Draft',
    you: 'You',
    by: (name: string, text: string) => `${name}: ${text}`,
    unread: (badge: string) => `${badge} unread`,
    pending: (count: number) => (count === 1 ? '1 message waiting to be sent' : `${count} messages waiting to be sent`),
    online: 'Online',
    self: 'Notes to yourself',
  },

  settings: {
    of: (title: string) => `Settings of ${title}`,
    pin: 'Pin to the top',
    unpin: 'Unpin',
    archive: 'Archive',
    unarchive: 'Move out of the archive',
    muteHours: 'Mute for 8 hours',
    muteWeek: 'Mute for a week',
    muteForEver: 'Mute for ever',
    unmute: 'Unmute',
    level: 'Tell me of',
    levels: { all: 'All messages', mentions: 'Mentions only', none: 'Nothing' },
  },

  chat: {
    none: 'Choose a conversation',
    noneHint: 'Or start a new one.',
    missing: 'This conversation is not here',
    missingHint: 'It may have ended, or you are no longer in it.',
    back: 'Back to conversations',
    messages: (title: string) => `Messages with ${title}`,
    empty: 'No messages yet. Say hello.',
    failed: 'The messages could not be loaded.',
    loadingOlder: 'Loading older messages…',
    olderFailed: 'Older messages could not be loaded.',
    beginning: 'The beginning of the conversation',
    unreadBelow: 'New messages',
    latest: 'Jump to latest',
    latestUnread: (badge: string) => `Jump to latest, ${badge} unread`,
    details: 'Group details',
    members: (count: number) => (count === 1 ? '1 member' : `${count} members`),
    online: 'Online',
    lastSeen: (when: string) => `Last seen ${when}`,
    offline: 'Offline',
    typing: (names: readonly string[]) =>
      names.length === 1
        ? `${names[0]} is typing…`
        : names.length === 2
          ? `${names[0]} and ${names[1]} are typing…`
          : 'Several people are typing…',
    typingSomeone: 'Someone is typing…',
    arrived: (sender: string, text: string) => `${sender}: ${text}`,
    arrivedElsewhere: (sender: string, title: string) =>
      sender === title ? `New message from ${sender}` : `New message from ${sender} in ${title}`,
    arrivedMany: (count: number) => `${count} new messages`,
  },

  message: {
    pending: 'Waiting to be sent',
    failed: 'Not sent',
    sent: 'Sent',
    delivered: 'Delivered',
    read: 'Read',
    retry: 'Retry',
    discard: 'Delete',
    mine: 'You',
  },

  composer: {
    label: (title: string) => `Message to ${title}`,
    placeholder: 'Write a message',
    send: 'Send',
    hint: 'Enter sends, Shift and Enter begins a new line.',
    left: (count: number) => (count === 1 ? '1 character left' : `${count} characters left`),
    over: (count: number) => (count === 1 ? '1 character too many' : `${count} characters too many`),
    tooLong: 'This text is too long to send at once.',
    notKept: 'The message could not be kept on this device. It was not sent.',
  },

  people: {
    find: 'User name',
    findHint: 'The exact user name.',
    add: 'Add',
    searching: 'Looking…',
    nobody: (name: string) => `There is nobody called “${name}”.`,
    already: (name: string) => `${name} is already here.`,
    self: 'That is you.',
    chosen: 'People to add',
    remove: (name: string) => `Remove ${name}`,
  },

  newChat: {
    title: 'New chat',
    start: 'Start chat',
  },

  newGroup: {
    title: 'New group',
    name: 'Group name',
    create: 'Create group',
    creating: 'Creating…',
  },

  group: {
    title: 'Group details',
    name: 'Group name',
    members: 'Members',
    owner: 'Owner',
    you: '(you)',
    remove: 'Remove',
    removeNamed: (name: string) => `Remove ${name} from the group`,
    addTitle: 'Add people',
    add: 'Add to group',
    leave: 'Leave group',
    leaveTitle: 'Leave this group?',
    leaveText: 'You will no longer see it. Someone in it can add you again.',
    removeTitle: (name: string) => `Remove ${name}?`,
    removeText: 'They will no longer see this group.',
  },

  time: {
    today: 'Today',
    yesterday: 'Yesterday',
    todayAt: (clock: string) => `today at ${clock}`,
    yesterdayAt: (clock: string) => `yesterday at ${clock}`,
    onAt: (day: string, clock: string) => `on ${day} at ${clock}`,
  },
} as const
