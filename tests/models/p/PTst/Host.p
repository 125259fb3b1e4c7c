// What surrounds a run: the agents and their wiring, the outside's one message, who signals which failure and when, who dies, and an policy.

event eLater: int;
event eSuspectSoon: int;

machine Host {
  var log: machine;
  var network: machine;
  var agents: seq[machine];
  var coordinators: seq[machine]; // alive, the newest last
  var takeOversLeft: int;
  var rulingsLeft: int;
  var turns: seq[(agent: int, number: int)];
  var signalAt: seq[int];         // after so many turns
  var signalled: int;
  var pending: map[int, tSignal]; // not yet known to be durable

  start state Running {
    entry {
      var i: int;
      i = 0;
      takeOversLeft = coordinatorCrashMax;
      rulingsLeft = 3;
      log = new ExecutionLog();
      network = new Network();
      Populate();
      send network, eAgents, agents;
      while (i < signalCount) {
        signalAt += (i, 1 + choose(4 + 3 * i));
        i = i + 1;
      }
      Start();
      if (takeOversLeft > 0) { send this, eLater, 5 + choose(60); }
      announce eIntervalOpened, (agent = -1, number = 0, incarnation = 0);
      announce eMessageSent, (agent = -1, position = 1, receiver = 0);
      send network, eWire, (receiver = 0, what = eMessage, body = (id = (sender = -1, position = 1), receiver = 0, sentIn = 0, hops = 3));
    }
    on eTurnEnded do (turn: (agent: int, number: int)) {
      turns += (sizeof(turns), turn);
      while (signalled < signalCount && signalAt[signalled] <= sizeof(turns)) { Suspect(turn); }
    }
    on eSignalTaken do (id: int) {
      if (id in pending) { pending -= (id); }
      if (signalled < signalCount && $) { send this, eSuspectSoon, choose(200); } // while the recovery is under way
    }
    on eRecoveryEnded do { // and the word of it is still under way
      if (signalled < signalCount && $) { Suspect(turns[sizeof(turns) - 1]); }
    }
    on eSuspectSoon do (left: int) {
      if (left > 0) {
        send this, eSuspectSoon, left - 1;
      } else if (signalled < signalCount) {
        Suspect(turns[sizeof(turns) - 1]);
      }
    }
    on eTimer do {
      var id: int;
      foreach (id in keys(pending)) { Signal(id); }
    }
    on eLater do (left: int) {
      if (left > 0) {
        send this, eLater, left - 1;
      } else if (takeOversLeft > 0 && sizeof(coordinators) == 1) {
        takeOversLeft = takeOversLeft - 1;
        send coordinators[0], eReplaced;
        Start();
      }
    }
    on eCoordinatorDied do (who: machine) {
      var i: int;
      while (coordinators[i] != who) { i = i + 1; }
      coordinators -= (i);
      if (sizeof(coordinators) == 0 || i == sizeof(coordinators)) {
        takeOversLeft = takeOversLeft - 1;
        if (sizeof(coordinators) == 1) { send coordinators[0], eReplaced; }
        Start();
      } else {
        send network, eCoordinators, coordinators;
      }
      send network, eTimerWanted, coordinators[sizeof(coordinators) - 1]; // time goes on, also for one that waits for nothing
    }
    on eEscalated do {
      if (policy == 1) {
        send network, eWire, (receiver = -1, what = eRuled, body = Retry);
      } else if (rulingsLeft > 0) {
        rulingsLeft = rulingsLeft - 1;
        if ($) { send network, eWire, (receiver = -1, what = eRuled, body = Force); }
      }
    }
  }

  fun Suspect(newest: (agent: int, number: int)) {
    var suspect: (agent: int, number: int);
    suspect = newest;
    if ($) { suspect = turns[choose(sizeof(turns))]; } // found late
    signalled = signalled + 1;
    pending[signalled] = (id = signalled, agent = suspect.agent, number = suspect.number);
    Signal(signalled);
  }

  fun Signal(id: int) {
    send network, eWire, (receiver = -1, what = eFailureSignal, body = pending[id]);
    send network, eTimerWanted, this;
  }

  // The newest dies by itself only while deaths are left.
  fun Start() {
    var deathAt: int;
    deathAt = -1;
    if (takeOversLeft > 0 && Sometimes(2)) { deathAt = choose(14); }
    coordinators += (sizeof(coordinators), new Coordinator((setup = (network = network, log = log, driver = this), deathAt = deathAt)));
    send network, eCoordinators, coordinators;
  }

  fun Populate() {
    var i: int;
    var deaths: seq[set[int]];
    var failures: seq[set[int]];
    while (i < agentCount) {
      deaths += (i, default(set[int]));
      failures += (i, default(set[int]));
      i = i + 1;
    }
    i = 0;
    while (i < agentCrashMax) {
      deaths[choose(agentCount)] += (choose(14));
      i = i + 1;
    }
    i = 0;
    while (i < failureMax) {
      failures[choose(agentCount)] += (choose(2));
      i = i + 1;
    }
    i = 0;
    while (i < agentCount) {
      agents += (i, new Participant((me = i, network = network, driver = this, recipients = Recipients(i), deaths = deaths[i], failures = failures[i])));
      i = i + 1;
    }
  }

  fun Recipients(agent: int): seq[int] {
    var found: seq[int];
    if (topology == 2) {
      found += (0, (agent + 1) - agentCount * ((agent + 1) / agentCount));
    } else if (agent + 1 < agentCount) {
      found += (0, agent + 1);
      if (topology == 1 && agent + 2 < agentCount) { found += (1, agent + 2); }
    }
    return found;
  }
}
