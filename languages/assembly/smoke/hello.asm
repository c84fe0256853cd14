global _start

section .data
text: db "Hello, World!", 10
size: equ $ - text

section .text
_start:
    mov eax, 1 ; write
    mov edi, 1
    mov rsi, text
    mov edx, size
    syscall
    mov eax, 60 ; exit
    xor edi, edi
    syscall
