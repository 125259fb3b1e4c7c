// Carries everything between agents and coordinators: late, out of order, twice, or not at all. It is the clock, too: a time-out passes when nothing is
// under way, or, a few times, before.

type tWire = (receiver: int, what: event, body: any); // to -1: a coordinator, whichever is found

event eWire: tWire;
event eTimerWanted: machine;
event eTimer;
event ePump;
event eAgents: seq[machine];
event eCoordinators: seq[machine];

machine Network {
  var agents: seq[machine];
  var coordinators: seq[machine];
  var buffer: seq[tWire];
  var timers: seq[machine];
  var losses: int;
  var copies: int;
  var early: int;
  var isPumping: bool;

  start state Carrying {
    entry {
      losses = lossMax;
      copies = copyMax;
      early = 3;
    }
    on eAgents do (found: seq[machine]) { agents = found; }
    on eCoordinators do (found: seq[machine]) { coordinators = found; }
    on eWire do (wire: tWire) {
      buffer += (sizeof(buffer), wire);
      Pump();
    }
    on eTimerWanted do (who: machine) {
      if (!(who in timers)) {
        timers += (sizeof(timers), who);
      }
      Pump();
    }
    on ePump do {
      isPumping = false;
      if (sizeof(buffer) == 0 || (early > 0 && sizeof(timers) > 0 && Sometimes(12))) {
        Fire();
      } else {
        Carry();
      }
      if (sizeof(buffer) + sizeof(timers) > 0) {
        Pump();
      }
    }
  }

  fun Pump() {
    if (!isPumping) {
      isPumping = true;
      send this, ePump;
    }
  }

  fun Fire() {
    var i: int;
    var who: machine;
    if (sizeof(timers) == 0) {
      return;
    }
    if (sizeof(buffer) > 0) {
      early = early - 1;
    }
    i = choose(sizeof(timers));
    who = timers[i];
    timers -= (i);
    send who, eTimer;
  }

  fun Carry() {
    var i: int;
    var wire: tWire;
    i = choose(sizeof(buffer));
    wire = buffer[i];
    if (losses > 0 && wire.what != eMessage && Sometimes(6)) { // what agents send stands in their journals, and is read from there
      losses = losses - 1;
      buffer -= (i);
      return;
    }
    if (copies > 0 && Sometimes(5)) {
      copies = copies - 1;
    } else {
      buffer -= (i);
    }
    if (wire.receiver >= 0) {
      send agents[wire.receiver], wire.what, wire.body;
    } else if (sizeof(coordinators) > 0) {
      send coordinators[choose(sizeof(coordinators))], wire.what, wire.body;
    }
  }
}
