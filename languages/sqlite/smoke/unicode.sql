.mode list
.separator '' ''
select 'Grüße, 世界 🚀';
