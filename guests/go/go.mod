module splitbrain/guest

go 1.24
