module gounstrip.test/gosym

go 1.18
