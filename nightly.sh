#!/usr/bin/env bash
# The long run: ./test.sh with more of what is counted. Any of these can be set: OR_SEED too, for other moments.
export OR_KILLS=${OR_KILLS:-1000}                     # kill -9 of a process on the local host
export OR_SEEDS=${OR_SEEDS:-100000}                  # simulated executions, and scenarios of the machines
export OR_SILO_KILLS=${OR_SILO_KILLS:-300}            # silos of a test cluster
export OR_PROCESS_KILLS=${OR_PROCESS_KILLS:-200}      # kill -9 of silo processes on PostgreSQL
export OR_EACH_RECORD=${OR_EACH_RECORD:-1}            # every recorded failure on the cluster
export COVERAGE=${COVERAGE:-1}                        # and what the tests cover, of a Debug build
export HANG_TIMEOUT=${HANG_TIMEOUT:-3h}
exec "$(dirname "$0")/test.sh"
