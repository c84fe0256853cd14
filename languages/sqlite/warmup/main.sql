-- Nothing but a query: the shell has everything inside.
select 1;
.shell cat
