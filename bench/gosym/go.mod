module gounstrip/bench/gosym

go 1.18
